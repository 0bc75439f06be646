"""The runtime's commands as a shell sees them: output, exit codes, and a start that does not wait for torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.runtime.errors import DONE, MISSING, MISUSED
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
