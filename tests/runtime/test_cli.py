"""The runtime's commands as a shell sees them: output, exit codes, and a start that does not wait for torch."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.runtime.errors import DONE, FAILED, MISSING, MISUSED, advice
from expc.runtime.files import read_json
from tests.runtime import processes, toy_family


@pytest.fixture
def made() -> Experiment:
    return toy_family.experiment(toy_family.training(20))


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60)


def test_help_does_not_import_torch() -> None:
    code = "import sys; sys.argv = ['expc', '--help']; from expc.runtime.cli import main\n"
    code += "try:\n    main()\nfinally:\n    assert 'torch' not in sys.modules and 'git' not in sys.modules"
    done = python("-c", code)
    assert done.returncode == 0 and "Execute snapshots" in done.stdout, done.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["run", "x", "--stage"], ["run", "--no-such-option", "x"],
                                       ["run", "missing.json"], ["eval", "no_such_run"]])
def test_a_wrong_use_exits_64_without_a_traceback(arguments: list[str]) -> None:
    done = python("-m", "expc.runtime", *arguments)
    assert done.returncode == MISUSED and "Traceback" not in done.stderr and done.stderr


def test_run_status_and_again(toy: Path, made: Experiment) -> None:
    code, log = processes.run(toy, made, "preflight", "prepare", "train")
    assert code == DONE and [line for line in log.splitlines() if line.startswith("==")] == [
        "== toy: preflight", "== toy: prepare", "== toy: train"]
    record = read_json(toy / "runs" / "toy" / "record.json")
    assert {name: stage["outcome"] for name, stage in record["stages"].items()} == {
        "preflight": "done", "prepare": "done", "train": "done"}
    code, log = processes.run(toy, made)
    assert code == DONE and "data: runs/.data/" in log and "trained already: step 20 of 20" in log
    code, log = processes.command(toy, "status")
    assert code == DONE and log.splitlines()[1].split()[:5] == ["toy", "done", "20", "of", "20"] and "valid_loss" in log
    code, log = processes.command(toy, "status", "--json")
    assert [row["run"] for row in json.loads(log)] == ["toy"]


def test_an_unknown_stage(toy: Path, made: Experiment) -> None:
    code, log = processes.run(toy, made, "dance")
    assert code == MISUSED and "there is no stage dance; there are preflight, prepare, train" in log


def test_accept_slow(toy: Path) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(10**6), delay=0.01))
    hardware = made.hardware.__class__(**made.hardware.__dict__ | {"target": "h200"})
    snapshot = str(toy_family.write(toy, made.__class__(**made.__dict__ | {"hardware": hardware})))
    code, log = processes.command(toy, "run", snapshot, "--stage", "preflight")
    assert code == MISSING and "EXPC_ACCEPT_SLOW=1" in log
    code, log = processes.command(toy, "run", snapshot, "--stage", "preflight", "--accept-slow")
    assert code == DONE, log
    assert read_json(toy / "runs" / "toy" / "record.json")["stages"]["preflight"]["outcome"] == "done"


def test_no_runs_yet(toy: Path) -> None:
    assert processes.command(toy, "status") == (DONE, "no runs yet\n")


def _file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")


IN_THE_WAY: dict[str, tuple[Callable[[Path], object], str]] = {
    "a dangling link": (lambda top: (top / "runs").symlink_to("/nowhere/at/all"), "runs is a link to /nowhere/at/all"),
    "runs a file": (lambda top: _file(top / "runs"), "runs is a file where a folder has to be"),
    "the run a file": (lambda top: _file(top / "runs" / "toy"), "runs/toy is a file where a folder has to be"),
    "checkpoints a file": (lambda top: _file(top / "runs" / "toy" / "checkpoints"), "checkpoints is a file where a folder"),
    "metrics a folder": (lambda top: (top / "runs" / "toy" / "metrics.jsonl").mkdir(parents=True), "metrics.jsonl is a folder"),
    "the record a folder": (lambda top: (top / "runs" / "toy" / "record.json").mkdir(parents=True), "record.json is a folder"),
    "the lock a folder": (lambda top: (top / "runs" / "toy" / "lock").mkdir(parents=True), "lock is a folder where a file"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_what_stands_in_the_way_of_a_run_is_named(toy: Path, name: str) -> None:
    put, said = IN_THE_WAY[name]
    put(toy)
    code, log = processes.run(toy, toy_family.experiment(toy_family.training(12)))
    assert code == FAILED and "Traceback" not in log
    assert said in log.splitlines()[-1] and str(toy / "runs") in log


def test_errors_that_are_no_users_to_mend_keep_their_traceback() -> None:
    assert advice(FileNotFoundError(errno.ENOENT, "No such file", "/usr/lib/there")) is None
    assert advice(ConnectionError("gone")) is None
    assert "writable" in str(advice(OSError(errno.EROFS, "Read-only", "/work/runs/toy/lock")))
