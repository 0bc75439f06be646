"""Every way of starting a run ends with the exit code of the outcome that its record holds: real runtime, real processes."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Experiment, Launch
from expc.compiler.contract.training import Batch
from expc.runtime.errors import DONE, INTERRUPTED, MISSING, MISUSED, STOPPED_BY_GUARD
from expc.runtime.files import read_json
from tests.launchers.launching import Workspace, make_workspace
from tests.launchers.test_bash_signals import until
from tests.runtime import toy_family

ROOT = Path(__file__).parents[2]
OUTCOMES = {DONE: "done", STOPPED_BY_GUARD: "stopped", MISUSED: "misused", MISSING: "missing", INTERRUPTED: "interrupted"}
RUNTIME = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from expc.runtime.cli import main
from tests.runtime import toy_family
with toy_family.registered():
    main()
"""
# Python whose `-m expc.runtime` knows the toy family
PYTHON = r"""#!/usr/bin/env bash
arguments=()
while (( $# )); do
    if [[ $1 == -m && $2 == expc.runtime ]]; then arguments+=("$RUNTIME" "$ROOT"); shift; else arguments+=("$1"); fi
    shift
done
exec "$REAL_PYTHON" "${arguments[@]}"
"""


@pytest.fixture
def toy() -> Iterator[None]:
    """The toy family in the tables of this process."""
    with toy_family.registered():
        yield


def made(folder: Path, experiment: Experiment) -> Workspace:
    """A workspace whose launchers run the real runtime."""
    (folder / "specs").mkdir(parents=True, exist_ok=True)
    workspace = make_workspace(folder, experiment)
    (folder / "runtime.py").write_text(RUNTIME)
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    workspace.environment.update(EXPC_PYTHON=str(folder / "python"), REAL_PYTHON=sys.executable, ROOT=str(ROOT),
                                 RUNTIME=str(folder / "runtime.py"), OMP_NUM_THREADS="1")
    return workspace


def experiment(ranks: int, **model: object) -> Experiment:
    """The toy experiment with a bash and a tmux launcher."""
    training = toy_family.training(60, batch=Batch(4, 1, 1, ranks))
    return toy_family.experiment(toy_family.with_model(training, **model), launch=Launch("train_toy", ("bash", "tmux")))


def outcome(workspace: Workspace, code: int, run: str = "toy") -> None:
    """The record holds the outcome that the exit code means."""
    record = read_json(workspace.folder / "runs" / run / "record.json")
    assert record["stages"]["train"]["outcome"] == OUTCOMES[code]


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("ranks", [1, 2])
def test_interrupted_misused_and_done(tmp_path: Path, ranks: int) -> None:
    workspace = made(tmp_path, experiment(ranks, delay=0.02))
    with subprocess.Popen(workspace.command("--only", "train"), env=workspace.environment, stderr=subprocess.PIPE,
                          text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "runs/toy/checkpoints/step_000010").is_dir() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, said
    outcome(workspace, INTERRUPTED)
    other = dataclasses.replace(experiment(ranks, delay=0.02).training, seed=12)
    foreign = made(tmp_path, dataclasses.replace(experiment(ranks), training=other))
    for arguments in (("--skip", "prepare"), ("--only", "train")):
        refused = foreign.run(*arguments)
        assert refused.returncode == MISUSED and "holds another training of that name" in refused.stderr
    workspace = made(tmp_path, experiment(ranks, delay=0.02))
    done = workspace.run("--only", "train")
    assert done.returncode == DONE, done.stderr
    outcome(workspace, DONE)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("ranks", [1, 2])
def test_stopped_by_a_guard_and_missing(tmp_path: Path, ranks: int) -> None:
    workspace = made(tmp_path, experiment(ranks, nan_at=15))
    stopped = workspace.run("--only", "train")
    assert stopped.returncode == STOPPED_BY_GUARD, stopped.stderr
    outcome(workspace, STOPPED_BY_GUARD)
    parent = toy_family.training(20, batch=Batch(4, 1, 1, ranks))
    child = dataclasses.replace(toy_family.child(parent, 20, 40), launch=Launch("train_child", ("bash",)))
    shutil.rmtree(tmp_path / "runs" / "toy")
    workspace = made(tmp_path, child)
    missing = workspace.run("--only", "train")
    assert missing.returncode == MISSING, missing.stderr
    assert "step_000020 is missing" in missing.stderr
    outcome(workspace, MISSING, "child")


@pytest.mark.usefixtures("toy")
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_the_tmux_launcher_waits_for_the_same(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as sockets:  # a socket's path must be short
        workspace = made(tmp_path, experiment(1, nan_at=15))
        workspace.environment["TMUX_TMPDIR"] = sockets
        # the tmux server takes its environment from whoever starts it, which is this launcher
        stopped = workspace.run("--wait", "--only", "train", kind=".tmux")
        assert stopped.returncode == STOPPED_BY_GUARD, stopped.stdout + stopped.stderr
        outcome(workspace, STOPPED_BY_GUARD)


@pytest.mark.usefixtures("toy")
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_the_second_pane_of_tmux_follows_the_run_and_ends_with_it(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as sockets:
        workspace = made(tmp_path, experiment(1, delay=0.05))
        workspace.environment["TMUX_TMPDIR"] = sockets

        def tmux(*arguments: str) -> str:
            return subprocess.run(["tmux", *arguments], env=workspace.environment, text=True, capture_output=True).stdout

        assert workspace.run("--only", "train", kind=".tmux").returncode == DONE
        panes = tmux("list-panes", "-t", "toy", "-F", "#{pane_id} #{pane_start_command}").splitlines()
        watching = next(line.split()[0] for line in panes if "watch-pane" in line)
        until(lambda: "toy: training" in (shown := tmux("capture-pane", "-p", "-t", watching)) and " of 60" in shown, 60)
        until(lambda: tmux("list-sessions") == "", 60)
        assert (tmp_path / "runs" / "toy" / "exit_code").read_text() == "0\n"
