"""Interrupted and resumed equals uninterrupted, bit for bit, whichever signal comes and whenever."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from expc.runtime import checkpoint
from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from tests.runtime import processes, toy_family

STEPS = 60


@pytest.fixture
def slow(toy: Path) -> tuple[Path, object]:
    """A workspace, and an experiment whose updates take long enough to be hit by a signal."""
    return toy, toy_family.experiment(toy_family.with_model(toy_family.training(STEPS), delay=0.004))


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the same experiment, trained in one go."""
    workspace = tmp_path_factory.mktemp("uninterrupted")
    (workspace / "specs").mkdir()
    with toy_family.registered():
        made = toy_family.experiment(toy_family.with_model(toy_family.training(STEPS), delay=0.004))
        code, log = processes.run(workspace, made)
    assert code == DONE, log
    return workspace / "runs" / "toy"


def same(first: object, second: object) -> bool:
    """Deep equality, tensors bit for bit."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def assert_equal_runs(run: Path, other: Path) -> None:
    """Weights, optimizers, random state, position and every metric that is not a time."""
    one, two = (folder / "checkpoints" / f"step_{STEPS:06d}" for folder in (run, other))
    for name in ("generator", "critic"):
        assert same(load_file(one / f"{name}.safetensors"), load_file(two / f"{name}.safetensors")), name
    for name in ("optimizers.pt", "random.pt"):
        assert same(*(torch.load(folder / name, weights_only=True) for folder in (one, two))), name
    states = [read_json(folder / "state.json") for folder in (one, two)]
    assert [state["position"].pop("seconds") > 0 for state in states] == [True, True]
    assert states[0] == states[1]
    lines = [[line for line in read_lines(folder / "metrics.jsonl") if line["kind"] != "pace"]
             for folder in (run, other)]
    assert lines[0] == lines[1]
    assert [line["step"] for line in lines[0] if line["kind"] == "train"] == list(range(1, STEPS + 1))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1"])
def test_a_signal_saves_and_the_same_command_goes_on(slow, uninterrupted: Path, name: str) -> None:
    workspace, experiment = slow
    run = workspace / "runs" / "toy"
    process = processes.start(workspace, experiment)
    process.wait_until(lambda: (run / "checkpoints" / "step_000010").is_dir())
    process.signal(getattr(signal, name))
    code, log = process.end()
    assert code == INTERRUPTED, log
    assert f"stopped by {name}" in log and "bash generated/train_toy.sh" in log
    record = read_json(run / "record.json")
    assert record["outcome"] == "interrupted" and 10 <= record["step"] < STEPS
    found, _ = checkpoint.newest(run / "checkpoints", record["training_sha256"])
    assert found is not None and found.position.step == record["step"]
    code, log = processes.run(workspace, experiment)
    assert code == DONE and f"going on from {found.folder.name}" in log
    assert_equal_runs(run, uninterrupted)


@pytest.mark.parametrize("seed", range(4))
def test_kills_at_random_instants_leave_nothing_that_shows(slow, uninterrupted: Path, seed: int) -> None:
    workspace, experiment = slow
    dice = random.Random(seed)
    for _ in range(5):
        process = processes.start(workspace, experiment)
        process.wait_until(lambda: (workspace / "runs" / "toy").is_dir())
        time.sleep(dice.uniform(0.0, 0.45))
        process.signal(signal.SIGKILL)
        process.end()
    code, log = processes.run(workspace, experiment)
    assert code == DONE, log
    assert_equal_runs(workspace / "runs" / "toy", uninterrupted)
    assert not [path for path in (workspace / "runs").rglob(".*.*") if ".data" not in path.name]


def test_a_second_interrupt_stops_at_once_and_leaves_whole_checkpoints(toy: Path) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(20), delay=1.5))
    process = processes.start(toy, made)
    process.wait_until(lambda: "step 0 to 20" in process.log.read_text())
    time.sleep(0.3)
    process.signal(signal.SIGINT)
    time.sleep(0.1)
    started = time.monotonic()
    process.signal(signal.SIGINT)
    code, log = process.end()
    assert code == INTERRUPTED and time.monotonic() - started < 1.0, log
    assert "Traceback" not in log
    assert read_json(toy / "runs" / "toy" / "record.json")["outcome"] == "interrupted"
    assert list((toy / "runs" / "toy").glob("checkpoints/*")) == []


def test_a_signal_before_the_first_update_leaves_a_checkpoint_or_nothing_to_lose(slow, uninterrupted: Path) -> None:
    workspace, experiment = slow
    process = processes.start(workspace, experiment)
    process.wait_until(lambda: (workspace / "runs" / "toy" / "record.json").is_file())
    process.signal(signal.SIGTERM)
    code, log = process.end()
    assert code == INTERRUPTED and "Traceback" not in log
    assert processes.run(workspace, experiment)[0] == DONE
    assert_equal_runs(workspace / "runs" / "toy", uninterrupted)
