"""What guards do to a run: stop, save, warn, go back with lower rates, take the batch in pieces; the same after a kill."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from expc.compiler.contract.experiment import Checkpointing, Experiment, Validation
from expc.compiler.contract.guards import NOT_FINITE, Action, Guard
from expc.compiler.contract.phases import Batch
from expc.runtime import stages
from expc.runtime.errors import DONE, STOPPED_BY_GUARD, UserError
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from expc.runtime.snapshot import load
from tests.runtime import processes, toy_family
from tests.runtime.equality import same

STEPS = 60
LOSS = "loss is not finite"


def guard(when: str, kind: str, rate: float = 1.0, times: int = 0, name: str = "watched") -> Guard:
    return Guard(name, when, Action(kind, rate, times), (), {}, True)  # type: ignore[arg-type]


def made(*guards: Guard, steps: int = STEPS, keep: int = 3, **changes: Any) -> Experiment:
    own = guards if any(one.when == LOSS for one in guards) else (*guards, NOT_FINITE)
    return toy_family.experiment(toy_family.training(steps, **changes), guards=own, checkpoint=Checkpointing(10, keep, None))


def run(workspace: Path, experiment: Experiment) -> Path:
    """Prepares and trains in this process; returns the run's folder."""
    stages.run(load(toy_family.write(workspace, experiment)), ("prepare", "train"))
    return workspace / "runs" / experiment.run


def stopped(workspace: Path, experiment: Experiment, message: str) -> Path:
    """The folder of a run that a guard ends."""
    with pytest.raises(UserError, match=message) as error:
        run(workspace, experiment)
    assert error.value.exit_code == STOPPED_BY_GUARD
    assert read_json(workspace / "runs" / "toy" / "record.json")["outcome"] == "stopped"
    return workspace / "runs" / "toy"


def checkpoints(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step_")) for path in (folder / "checkpoints").iterdir())


def state(folder: Path, step: int) -> dict[str, Any]:
    found: dict[str, Any] = read_json(folder / "checkpoints" / f"step_{step:06d}" / "state.json")
    return found["guards"]


def fired(folder: Path) -> list[tuple[Any, ...]]:
    """(guard, step, done) of every firing, the same in the record as in the events."""
    record = [{**one, "time": 0} for one in read_json(folder / "record.json").get("guards") or ()]
    events = [{**line, "time": 0} for line in read_lines(folder / "events.jsonl") if line.pop("event") == "guard"]
    assert record == [one for index, one in enumerate(events) if one not in events[:index]]
    return [(one["guard"], one["step"], one["done"]) for one in record]


def losses(folder: Path) -> dict[int, dict[str, Any]]:
    return {line["step"]: line for line in read_lines(folder / "metrics.jsonl") if line["kind"] == "train"}


@pytest.fixture
def spoiled(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Makes the loss of some updates something else, the first `times` that they are taken; returns all updates taken."""
    taken: list[int] = []
    step = toy_family.ToyTask.step

    def spoil(loss: float, updates: set[int], times: int = 1, weights: float | None = None) -> list[int]:
        def spoiled_step(self: toy_family.ToyTask, update: int, samples: int) -> dict[str, Tensor]:
            taken.append(update)
            logged = step(self, update, samples)
            if update in updates and taken.count(update) <= times:
                if weights is not None:
                    next(self.models["critic"].parameters()).data.fill_(weights)
                return {**logged, "loss": torch.tensor(loss)}
            return logged

        monkeypatch.setattr(toy_family.ToyTask, "step", spoiled_step)
        return taken

    return spoil


def test_stop_leaves_the_checkpoints_from_before(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    spoiled(9.0, {24})
    folder = stopped(toy, made(guard("loss > 5", "stop")), r"stopped by guard watched at step 25: loss > 5 \(loss 9\)")
    assert checkpoints(folder) == [10, 20] and max(losses(folder)) == 25 and losses(folder)[25]["loss"] == 9.0
    assert fired(folder) == [("watched", 25, "stopped")]


def test_save_and_stop_saves_and_the_same_command_does_not_go_on(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    spoiled(9.0, {24})
    experiment = made(guard("loss > 5", "save_and_stop"))
    folder = stopped(toy, experiment, "stopped by guard watched at step 25")
    assert checkpoints(folder)[-1] == read_json(folder / "record.json")["step"] >= 25
    stopped(toy, experiment, "guard watched .loss > 5. ended this run at step")
    without = dataclasses.replace(experiment, guards=(NOT_FINITE,))
    run(toy, without)
    assert read_json(folder / "record.json")["outcome"] == "done"


def test_a_warning_is_said_once_for_every_time_that_it_becomes_true(toy: Path, spoiled: Callable[..., list[int]],
                                                                  capsys: pytest.CaptureFixture[str]) -> None:
    spoiled(9.0, {24, 25, 30})
    folder = run(toy, made(guard("loss > 5", "warn")))
    assert fired(folder) == [("watched", 25, "warned"), ("watched", 31, "warned")]
    assert capsys.readouterr().err.count("warning: guard watched at step") == 2


def test_a_guard_that_flaps_goes_silent(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    spoiled(9.0, set(range(1, 60, 2)))
    assert len(fired(run(toy, made(guard("loss > 5", "warn"))))) == 20


def test_roll_back_goes_on_with_lower_rates_from_before_it_began(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    taken = spoiled(9.0, {24})
    folder = run(toy, made(guard("loss > 5", "roll_back", 0.5, 2)))
    assert fired(folder) == [("watched", 25, "rolled_back")]
    assert read_json(folder / "record.json")["guards"][0] | {"time": 0} == {
        "guard": "watched", "when": "loss > 5", "step": 25, "done": "rolled_back", "to_step": 20, "rate": 0.5, "time": 0}
    assert taken.count(20) == 2 and taken.count(19) == 1
    lines, training = losses(folder), made().training
    assert list(lines) == list(range(1, STEPS + 1)) and lines[25]["loss"] != 9.0
    assert [lines[step]["rate"] / training.curves["rate"].at(step - 1) for step in (20, 21, 60)] == [1.0, 0.5, 0.5]
    assert lines[21]["rate.critic"] == training.rates_at(20)["critic"] / 2
    assert read_json(folder / "record.json")["outcome"] == "done" and checkpoints(folder) == [40, 50, 60]


@pytest.mark.parametrize("bad", [19, 20])
def test_a_checkpoint_that_may_be_what_is_wrong_is_not_gone_back_to(toy: Path, spoiled: Callable[..., list[int]],
                                                                   bad: int) -> None:
    """Weights that update 19 spoils are in the checkpoint of step 20, and show in the loss of step 21 alone."""
    spoiled(float("nan"), {bad}, weights=float("nan"))
    folder = run(toy, made(guard(LOSS, "roll_back", 0.5, 1)))
    assert [one["to_step"] for one in read_json(folder / "record.json")["guards"]] == [10]
    for path in (folder / "checkpoints").glob("*/optimizers.pt"):
        assert "nan" not in str(torch.load(path, weights_only=True))


def test_without_a_trusted_checkpoint_it_begins_anew(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    taken = spoiled(9.0, {3})
    folder = run(toy, made(guard("loss > 5", "roll_back", 0.5, 1)))
    assert [one["to_step"] for one in read_json(folder / "record.json")["guards"]] == [0] and taken.count(0) == 2


def test_it_goes_back_only_so_often(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    spoiled(9.0, {24}, times=99)
    folder = stopped(toy, made(guard("loss > 5", "roll_back", 0.5, 2)), "stopped by guard watched at step 25")
    assert fired(folder) == [("watched", 25, "rolled_back")] * 2 + [("watched", 25, "exhausted")]
    assert [one["rate"] for one in read_json(folder / "record.json")["guards"][:2]] == [0.5, 0.25]


def test_what_has_lasted_is_gone_back_behind(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    spoiled(9.0, set(range(24, 45)))
    folder = run(toy, made(guard("loss > 5 for 15 steps", "roll_back", 0.5, 1), keep=1))
    assert [(one["step"], one["to_step"]) for one in read_json(folder / "record.json")["guards"]] == [(39, 20)]
    assert checkpoints(folder) == [60]


def test_a_replay_is_the_run_that_never_went_wrong(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    """Going back restores weights, optimizers and random state: with rates x 1 it is as if nothing had happened."""
    plain = run(toy, dataclasses.replace(made(), run="plain"))
    spoiled(9.0, {24})
    folder = run(toy, made(guard("loss > 5", "roll_back", 1.0, 1)))
    for name in ("optimizers.pt", "random.pt"):
        assert same(*(torch.load(one / "checkpoints" / "step_000060" / name, weights_only=True) for one in (plain, folder)))
    valid = [[line for line in read_lines(one / "metrics.jsonl") if line["kind"] == "valid"] for one in (plain, folder)]
    assert valid[0] == valid[1]


class Hungry(toy_family.ToyTask):
    """A task that runs out of memory with more than two rows at a time, from some update on."""

    batches: list[Batch] = []
    first = 0

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """One update."""
        self.batches.append(self.batch)
        if self.batch.rows > 2 and update >= self.first:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().step(update, samples)


@pytest.mark.parametrize(("first", "to_step"), [(0, 0), (25, 20)])
def test_the_batch_is_taken_in_smaller_pieces(toy: Path, monkeypatch: pytest.MonkeyPatch, first: int, to_step: int) -> None:
    monkeypatch.setattr(toy_family, "ToyTask", Hungry)
    monkeypatch.setattr(Hungry, "first", first)
    monkeypatch.setattr(Hungry, "batches", [])
    folder = run(toy, made(guard("out of memory", "halve_batch", times=3), batch=Batch(8, 1, 1, 1)))
    record = read_json(folder / "record.json")
    assert [(one["done"], one["rows"], one["accumulation"], one["step"]) for one in record["guards"]] == [
        ("halved", 4, 2, first + 1), ("halved", 2, 4, to_step + 1 if first == 0 else first + 1)]
    assert {batch.samples for batch in Hungry.batches} == {8} and Hungry.batches[-1].rows == 2
    assert record["samples"] == STEPS * 8 and state(folder, 60)["split"] == 4
    assert list(losses(folder)) == list(range(1, STEPS + 1))


def test_there_is_an_end_to_halving(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_family, "ToyTask", Hungry)
    monkeypatch.setattr(Hungry, "first", 0)
    folder = stopped(toy, made(guard("out of memory", "halve_batch", times=3), batch=Batch(6, 1, 1, 1)),
                     "stopped by guard watched at step 1: out of memory")
    assert [one["done"] for one in read_json(folder / "record.json")["guards"]] == ["halved", "exhausted"]


def test_without_a_guard_running_out_of_memory_fails_with_advice(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_family, "ToyTask", Hungry)
    monkeypatch.setattr(Hungry, "first", 0)
    with pytest.raises(UserError, match="memory ran out at step 0: fewer batch.rows"):
        run(toy, made())
    assert read_json(toy / "runs" / "toy" / "record.json")["outcome"] == "failed"


WATCHED = (
    guard("loss > 1.2 * median(loss, 25 steps)", "warn", name="median"),
    guard("loss < mean(loss, 30 steps)", "warn", name="mean"),
    guard("valid_loss < min(valid_loss, 3 validations)", "warn", name="validations"),
    guard("loss > 0 for 4 steps", "warn", name="streak"),
    guard("no improvement of valid_loss for 2 validations", "warn", name="stagnant"),
    guard("no improvement of loss for 9 steps", "warn", name="flat"),
    guard("loss > 0.28", "roll_back", 0.5, 5, name="high"),
)


def test_interrupted_again_and_again_it_decides_the_same(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    training = toy_family.with_model(toy_family.training(STEPS), delay=0.004)
    experiment = toy_family.experiment(training, guards=(*WATCHED, NOT_FINITE), validation=Validation(5, 4))
    whole = tmp_path_factory.mktemp("whole")
    (whole / "specs").mkdir()
    code, log = processes.run(whole, experiment)
    assert code == DONE, log
    expected = fired(whole / "runs" / "toy")
    assert {"rolled_back", "warned"} <= {done for _, _, done in expected} and len({name for name, _, _ in expected}) >= 4
    folder = toy / "runs" / "toy"
    for number, step in ((signal.SIGTERM, 10), (signal.SIGKILL, 20), (signal.SIGTERM, 30), (signal.SIGKILL, 50)):
        process = processes.start(toy, experiment)
        process.wait_until(lambda step=step: (folder / "checkpoints" / f"step_{step:06d}").is_dir())
        process.signal(number)
        process.end()
    code, log = processes.run(toy, experiment)
    assert code == DONE, log
    assert fired(folder) == expected
    assert state(folder, STEPS) == state(whole / "runs" / "toy", STEPS)
    assert losses(folder) == losses(whole / "runs" / "toy")


def test_a_changed_guard_begins_anew(toy: Path) -> None:
    run(toy, made(guard("loss > 99", "warn"), steps=20))
    before = state(toy / "runs" / "toy", 20)
    assert before["watches"].keys() == {"watched", "loss_is_not_finite"} and before["values"].keys() == {"loss"}


@pytest.mark.parametrize(("when", "kind", "code"), [
    ("no progress for 1s", "stop", STOPPED_BY_GUARD), ("no data for 1s", "stop", STOPPED_BY_GUARD),
    ("no progress for 1s", "warn", None)])
def test_what_hangs_is_ended_by_the_watchdog(toy: Path, when: str, kind: str, code: int | None) -> None:
    training = toy_family.with_model(toy_family.training(40), hang_at=25)
    process = processes.start(toy, toy_family.experiment(training, guards=(guard(when, kind), NOT_FINITE)))
    folder = toy / "runs" / "toy"
    if code is None:
        process.wait_until(lambda: bool((read_json(folder / "record.json") or {}).get("guards")))
        process.signal(signal.SIGKILL)
        assert process.end()[0] == -signal.SIGKILL
        assert fired(folder) == [("watched", 25, "warned")]
        return
    assert process.end()[0] == code
    record = read_json(folder / "record.json")
    assert (record["outcome"], record["stages"]["train"]["outcome"], record["step"]) == ("stopped", "stopped", 25)
    assert record["attempts"][-1]["outcome"] == "stopped" and fired(folder) == [("watched", 25, "stopped")]
    assert checkpoints(folder) == [10, 20]
