"""A terminal that is closed, a reader that goes away: real launcher, real runtime, a real pty and real pipes.

Updates take so long that a progress line is due after each: it meets what has gone away.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Experiment, Launch
from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import checkpoint
from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from tests.launchers.launching import Workspace
from tests.launchers.test_bash_signals import _hears_signals, until
from tests.launchers.test_real_outcomes import made
from tests.runtime import toy_family

pytestmark = pytest.mark.usefixtures("toy_table")


@pytest.fixture
def toy_table():
    """The toy family in the tables of this process."""
    with toy_family.registered():
        yield


def experiment(steps: int, delay: float) -> Experiment:
    """The toy experiment, at a pace."""
    training = toy_family.with_model(toy_family.training(steps), delay=delay)
    return toy_family.experiment(training, launch=Launch("train_toy", ("bash",)))


def trains(workspace: Workspace) -> bool:
    """Whether updates are being taken."""
    events = workspace.folder / "runs" / "toy" / "events.jsonl"
    return any(line["event"] == "started" for line in read_lines(events))


def assert_saved(workspace: Workspace) -> None:
    """The run was interrupted, and its newest checkpoint is where it was."""
    folder = workspace.folder / "runs" / "toy"
    record = read_json(folder / "record.json")
    assert record["outcome"] == "interrupted" and 0 < record["step"] < 60
    found, _ = checkpoint.newest(folder / "checkpoints", training_sha256(workspace.experiment.training))
    assert found is not None and found.position.step == record["step"]


def ended_with_its_terminal(workspace: Workspace, words: list[str], folder: Path) -> int:
    """The exit code of a command in a terminal that is closed while it trains."""
    process, terminal = pty.fork()
    if process == 0:
        _hears_signals()
        os.chdir(folder)
        os.execvpe(words[0], words, workspace.environment)
    try:
        until(lambda: trains(workspace), 60)
        time.sleep(0.5)
    finally:
        os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def test_closing_the_terminal_saves_and_the_launcher_says_so(tmp_path: Path) -> None:
    workspace = made(tmp_path, experiment(60, 0.3))
    assert ended_with_its_terminal(workspace, workspace.command("--only", "train"), Path.cwd()) == INTERRUPTED
    assert_saved(workspace)


def test_a_reader_that_goes_away_stops_nothing(tmp_path: Path) -> None:
    workspace = made(tmp_path, experiment(20, 0.01))
    line = f'{subprocess.list2cmdline(workspace.command("--only", "train"))} 2>&1 | head -c 1; exit "${{PIPESTATUS[0]}}"'
    ended = subprocess.run(["bash", "-c", line], env=workspace.environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == DONE
    record = read_json(tmp_path / "runs" / "toy" / "record.json")
    assert record["outcome"] == "done" and record["step"] == 20


def test_a_log_whose_writer_was_killed_does_not_change_the_exit_code(tmp_path: Path) -> None:
    workspace = made(tmp_path, experiment(60, 0.3))
    reads, writes = os.pipe()
    with subprocess.Popen(workspace.command("--only", "train"), env=workspace.environment, stdin=subprocess.DEVNULL,
                          stdout=writes, stderr=writes, start_new_session=True, preexec_fn=_hears_signals) as process:
        os.close(writes)
        until(lambda: trains(workspace), 60)
        os.close(reads)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode == INTERRUPTED
    assert_saved(workspace)


def test_without_a_launcher_the_loss_of_the_terminal_saves_too(tmp_path: Path) -> None:
    workspace = made(tmp_path, experiment(60, 0.3))
    words = [workspace.environment["EXPC_PYTHON"], "-m", "expc.runtime", "run", str(workspace.snapshot), "--stage", "train"]
    assert ended_with_its_terminal(workspace, words, workspace.folder) == INTERRUPTED
    assert_saved(workspace)
