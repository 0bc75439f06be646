"""Interrupted and resumed equals uninterrupted, bit for bit, whichever signal comes and whenever."""

from __future__ import annotations

import random
import shutil
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Checkpointing, Experiment, KeepBest, Validation
from expc.compiler.contract.metrics import Metric
from expc.compiler.contract.promises import Evaluation
from expc.runtime import checkpoint
from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.files import read_json
from tests.runtime import killing, processes, toy_family
from tests.runtime.equality import differences

STEPS = 60


@pytest.fixture
def slow(toy: Path) -> tuple[Path, object]:
    """A workspace, and an experiment in two phases whose updates take long enough to be hit by a signal."""
    return toy, struck()


def struck(delay: float = 0.004) -> Experiment:
    """The toy experiment that is interrupted."""
    made = toy_family.with_model(toy_family.phased(toy_family.training(STEPS), 33), delay=delay)
    return toy_family.experiment(made, checkpoint=Checkpointing(10, 2, 20, KeepBest("valid_loss", "lower", 1)),
                                 validation=Validation(5, 4),
                                 evaluation=Evaluation((), (), "results.json", (Metric("mean", "number", None),)))


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the same experiment, trained in one go."""
    workspace = tmp_path_factory.mktemp("uninterrupted")
    (workspace / "specs").mkdir()
    with toy_family.registered():
        code, log = processes.run(workspace, struck())
    assert code == DONE, log
    return workspace / "runs" / "toy"


def assert_equal_runs(run: Path, other: Path) -> None:
    """Nothing but time tells them apart."""
    assert list(differences(run, other, STEPS)) == []


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP"])
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


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the same experiment, trained and evaluated in one go."""
    workspace = tmp_path_factory.mktemp("evaluated")
    (workspace / "specs").mkdir()
    with toy_family.registered():
        code, log = processes.run(workspace, struck(), *killing.STAGES)
    assert code == DONE, log
    return workspace / "runs" / "toy"


@pytest.mark.parametrize("seed", range(3))
def test_strikes_at_random_instants_leave_nothing_that_shows(slow, evaluated: Path, seed: int) -> None:
    """Seven strikes each, twenty-one in all; `python -m benchmarks.soak` throws as many as are asked for.

    A run may be quicker than a strike that was meant for it: then another run takes those that are left.
    """
    workspace, experiment = slow
    tally, dice = killing.Tally(), random.Random(seed)
    while (left := 7 - sum(tally.places.values())) and not tally.mismatches and tally.runs < 20:
        tally.add(killing.see_through(workspace, experiment, evaluated, dice, left))
        shutil.rmtree(workspace / "runs")
    assert tally.mismatches == [] and sum(tally.places.values()) == 7


def test_a_kill_inside_the_evaluation_leaves_nothing_that_shows(slow, evaluated: Path) -> None:
    workspace, experiment = slow
    for number in (signal.SIGKILL, signal.SIGTERM):
        strike = killing.Strike(number, "evaluate", 1, 0.0)
        process = processes.start(workspace, experiment, *killing.STAGES,
                                  before=partial(killing.arm, strike, workspace / "struck"))
        assert process.end()[0] in (-number, INTERRUPTED)
        assert (workspace / "struck").read_text() == "evaluate"
    code, log = processes.run(workspace, experiment, *killing.STAGES)
    assert code == DONE, log
    assert list(differences(workspace / "runs" / "toy", evaluated, STEPS)) == []


def test_every_place_is_aimed_at_as_long_as_the_run_comes_to_it() -> None:
    dice, aimed, experiment = random.Random(0), killing.Counter[str](), struck()
    assert killing.visits(experiment, 0) == {
        "start": 1, "update": 60, "phase change": 1, "phase changed": 1, "evaluate": 1, "save": 6, "validate": 12}
    thrown = [killing.throw(dice, killing.visits(experiment, 0), aimed, left).place for left in reversed(range(8))]
    assert sorted(thrown[:6]) == ["phase change", "phase changed", "save", "start", "update", "validate"]
    assert thrown[6:] == ["evaluate"] * 2
    assert "phase change" not in killing.visits(experiment, 33) and "phase change" in killing.visits(experiment, 32)
    assert set(killing.visits(experiment, 60)) == {"start", "evaluate"}


def test_a_stop_during_a_validation_lets_it_be_judged_once(slow, uninterrupted: Path) -> None:
    """At step 5, where no checkpoint is planned: the stop's own one is saved after the validation."""
    workspace, experiment = slow
    strike = killing.Strike(signal.SIGTERM, "validate", 1, 0.0)
    process = processes.start(workspace, experiment, before=partial(killing.arm, strike, workspace / "struck"))
    assert process.end()[0] == INTERRUPTED
    assert (workspace / "runs" / "toy" / "checkpoints" / "step_000005").is_dir()
    assert processes.run(workspace, experiment)[0] == DONE
    assert_equal_runs(workspace / "runs" / "toy", uninterrupted)


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


@pytest.mark.parametrize("name", ["_begin", "_close"])
def test_a_signal_between_the_loop_and_the_record_is_in_the_record(slow, uninterrupted: Path, name: str) -> None:
    """Right after the attempt was noted, and while its end is."""
    workspace, experiment = slow
    before = partial(killing.strike_after, "expc.runtime.train", name)
    code, log = processes.start(workspace, experiment, before=before).end()
    assert code == INTERRUPTED and "Traceback" not in log, log
    record = read_json(workspace / "runs" / "toy" / "record.json")
    outcome = "interrupted" if name == "_begin" else "done"
    assert (record["outcome"], [one["outcome"] for one in record["attempts"]]) == (outcome, [outcome])
    assert record["attempts"][0]["to_step"] == (0 if name == "_begin" else STEPS)
    assert processes.run(workspace, experiment)[0] == DONE
    assert_equal_runs(workspace / "runs" / "toy", uninterrupted)


def test_a_signal_before_the_first_update_leaves_a_checkpoint_or_nothing_to_lose(slow, uninterrupted: Path) -> None:
    workspace, experiment = slow
    process = processes.start(workspace, experiment)
    process.wait_until(lambda: (workspace / "runs" / "toy" / "record.json").is_file())
    process.signal(signal.SIGTERM)
    code, log = process.end()
    assert code == INTERRUPTED and "Traceback" not in log
    assert processes.run(workspace, experiment)[0] == DONE
    assert_equal_runs(workspace / "runs" / "toy", uninterrupted)
