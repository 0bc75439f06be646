"""The tmux launcher, really run on a tmux server of the test's own and without a terminal."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.launchers.launching import STAGES, Workspace
from tests.launchers.test_bash_signals import until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def made(workspace: Callable[..., Workspace]) -> Iterator[Workspace]:
    """A workspace whose launchers use a tmux server of their own."""
    with tempfile.TemporaryDirectory() as sockets:  # a socket's path must be short
        made = workspace()
        made.environment["TMUX_TMPDIR"] = sockets
        yield made
        tmux(made, "kill-server")


def tmux(made: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["tmux", *arguments], env=made.environment, text=True, capture_output=True)


def exit_code(made: Workspace) -> Path:
    return made.folder / "runs" / "d8_depth_v2" / "exit_code"


def test_it_runs_detached_and_keeps_the_exit_code(made: Workspace) -> None:
    done = made.run("--from", "train", kind=".tmux", cwd=Path("/"))
    assert done.returncode == 0, done.stderr
    assert "tmux attach -t d8_depth_v2" in done.stdout
    until(exit_code(made).exists)
    assert exit_code(made).read_text() == "0\n"
    assert made.stages == STAGES[2:]
    assert "doing report" in (exit_code(made).parent / "launcher.log").read_text(encoding="utf-8")
    until(lambda: tmux(made, "has-session", "-t", "=d8_depth_v2").returncode != 0)


@pytest.mark.parametrize("code", [0, 3, 69])
def test_waiting_returns_the_exit_code(made: Workspace, code: int) -> None:
    done = made.run("--wait", kind=".tmux", AT="train", DO=str(code))
    assert done.returncode == code
    assert f"ended with exit code {code}" in done.stdout


def test_it_does_not_start_twice_and_saves_when_it_is_ended(made: Workspace) -> None:
    assert made.run(kind=".tmux", AT="train", DO="wait").returncode == 0
    until(lambda: "ready" in made.calls)
    again = made.run(kind=".tmux")
    assert again.returncode == 73
    assert "tmux attach -t d8_depth_v2" in again.stderr and "tmux kill-session -t d8_depth_v2" in again.stderr
    assert tmux(made, "kill-session", "-t", "d8_depth_v2").returncode == 0
    until(exit_code(made).exists)
    assert made.calls[-1] == "caught TERM" and exit_code(made).read_text() == "75\n"
    assert "train was interrupted; to go on" in (exit_code(made).parent / "launcher.log").read_text(encoding="utf-8")


def test_waiting_sees_a_training_that_was_ended_to_its_end(made: Workspace) -> None:
    command, environment = made.command("--wait", kind=".tmux"), made.environment | {"AT": "train", "DO": "wait"}
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE) as waiting:
        until(lambda: "ready" in made.calls)
        tmux(made, "kill-session", "-t", "d8_depth_v2")
        assert waiting.wait(20) == 75


def test_control_c_in_the_pane_saves(made: Workspace) -> None:
    assert made.run(kind=".tmux", AT="train", DO="wait").returncode == 0
    until(lambda: "ready" in made.calls)
    pane = tmux(made, "list-panes", "-t", "d8_depth_v2", "-F", "#{pane_id}").stdout.split()[0]
    tmux(made, "send-keys", "-t", pane, "C-c")
    until(exit_code(made).exists)
    assert made.calls.count("caught INT") == 1 and exit_code(made).read_text() == "75\n"


def test_the_second_pane_watches_the_run(made: Workspace) -> None:
    assert made.run("--only", "train", kind=".tmux", AT="train", DO="wait").returncode == 0
    until(lambda: "-m expc.runtime watch --stay d8_depth_v2" in made.calls)


def test_it_can_do_without_the_second_pane(made: Workspace) -> None:
    assert made.run("--wait", kind=".tmux", EXPC_WATCH="0").returncode == 0
    assert made.stages == STAGES and "watch" not in "".join(made.calls)


def test_mistakes_are_told_before_anything_starts(made: Workspace) -> None:
    done = made.run("--form", "train", kind=".tmux")
    assert done.returncode == 64 and "unknown argument --form" in done.stderr
    assert made.run(kind=".tmux", BROKEN="1").returncode == 69
    assert tmux(made, "list-sessions").returncode != 0


def test_help_and_dry_run_start_nothing(made: Workspace) -> None:
    assert "--wait" in made.run("--help", kind=".tmux").stdout
    dry = made.run("--wait", "--dry-run", "--only", "train", kind=".tmux")
    assert dry.returncode == 0 and dry.stdout.splitlines()[-1].endswith("--stage train")
    assert tmux(made, "list-sessions").returncode != 0


def test_without_tmux_it_names_the_other_launcher(made: Workspace, tmp_path: Path) -> None:
    for name in ("bash", "readlink", "dirname", "sed"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    done = made.run(kind=".tmux", PATH=str(tmp_path))
    assert done.returncode == 69 and "tmux is not installed" in done.stderr and "20k.sh" in done.stderr
