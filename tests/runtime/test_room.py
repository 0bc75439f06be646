"""How much of the disk a run will take: every part of the sum, and that no real run takes more."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.contract.experiment import Checkpointing, Experiment, KeepBest
from expc.compiler.contract.guards import NOT_FINITE, Action, Guard
from expc.compiler.contract.promises import Compared, Predictions
from expc.compiler.contract.retention import most_at_once
from expc.compiler.families import gpt as compiled
from expc.runtime import checkpoint, randomness, retention, room, stages
from expc.runtime.families import gpt
from expc.runtime.lock import exclusive
from expc.runtime.snapshot import load
from tests.runtime import toy_family
from tests.runtime.families.gpt import tiny

ROLLS_BACK = Guard("stuck", "loss > 1000 for 35 steps", Action("roll_back", 0.5, 2), (), {}, True)


def policy(experiment: Experiment, **changes: object) -> Experiment:
    """The same experiment with another retention."""
    return dataclasses.replace(experiment, checkpoint=dataclasses.replace(experiment.checkpoint, **changes))


def space(experiment: Experiment, workspace: Path) -> int:
    """All shares together."""
    return sum(share.bytes for share in room.shares(experiment, workspace))


def test_space_counts_what_is_kept_over_the_whole_run(toy: Path) -> None:
    made = toy_family.experiment(toy_family.training(1000))
    one, base = room.checkpoint_bytes(made), space(made, toy)
    assert space(policy(made, keep_last=4), toy) - base == one
    assert space(policy(made, keep_every=100), toy) - base == 10 * one
    assert space(policy(made, keep_best=KeepBest("valid_loss", "lower", 2)), toy) - base == 2 * one
    longer = dataclasses.replace(made, training=dataclasses.replace(made.training, steps=2000))
    assert base < space(longer, toy) < base + one * 1000


def test_a_run_with_guards_that_go_back_never_holds_more_than_is_counted(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = toy_family.experiment(toy_family.training(100), checkpoint=Checkpointing(10, 1, None))
    made = dataclasses.replace(plain, guards=(ROLLS_BACK, NOT_FINITE))
    held = []
    prune = retention.prune

    def counted(saved: Path, *rest: Any) -> list[Path]:
        held.append(len(list(saved.parent.glob("step_*"))))
        return prune(saved, *rest)

    monkeypatch.setattr(retention, "prune", counted)
    stages.run(load(toy_family.write(toy, made)), ("prepare", "train"))
    assert most_at_once(plain) < max(held) <= most_at_once(made) == 7
    shutil.rmtree(toy / "runs")
    assert str(room.shares(made, toy)[0]).endswith("(4 for guards that go back)")


def test_what_other_experiments_hold_on_to_is_counted(toy: Path) -> None:
    made = toy_family.experiment(toy_family.training(100), checkpoint=Checkpointing(10, 1, None))
    toy_family.write(toy, toy_family.child(made.training, 20, 40))
    compared = Compared("toy", "toy", {}, 30, "0" * 64, None)
    other = toy_family.experiment(toy_family.training(), run="other")
    toy_family.write(toy, dataclasses.replace(other, evaluation=dataclasses.replace(other.evaluation, compare=(compared,))))
    first = room.shares(made, toy)[0]
    assert first.bytes == (most_at_once(made) + 2) * room.checkpoint_bytes(made)
    assert str(first).endswith("(2 for other experiments)")


def test_what_trains_now_is_counted_until_it_is_written(toy: Path) -> None:
    other = toy_family.experiment(toy_family.training(), run="other")
    text = toy_family.write(toy, other).read_text()
    made, folder = toy_family.experiment(toy_family.training()), toy / "runs" / "other"
    alone = space(made, toy)
    with exclusive(folder / "lock", "the run other"):
        (folder / "snapshot.json").write_text(text)
        (folder / "metrics.jsonl").write_text("x" * 100)
        assert space(made, toy) - alone == space(other, toy) > 0
        assert str(room.shares(made, toy)[-1]).endswith(" for other, which trains now")
    assert space(made, toy) == alone


def test_trackers_are_a_part_and_as_large_as_is_said(toy: Path) -> None:
    made = toy_family.experiment(toy_family.training(300), trackers=("tensorboard",))
    counted = {str(share).split()[0]: share.bytes for share in room.shares(made, toy)}
    stages.run(load(toy_family.write(toy, made)), ("prepare", "train"))
    [file] = (toy / "runs" / "toy" / "tensorboard").iterdir()
    assert 0.5 < file.stat().st_size / counted["trackers"] < 1.2
    assert 0.5 < (toy / "runs" / "toy" / "metrics.jsonl").stat().st_size / counted["metrics"] < 1.2


def test_space_goes_by_the_optimizers_methods() -> None:
    made = dataclasses.replace(toy_family.experiment(toy_family.training()), predictions=Predictions({"all": 10**6}, {}, ()))
    assert room.checkpoint_bytes(made) - randomness.SIZE == 12 * 10**6
    sgd = dataclasses.replace(made.training, groups=made.training.groups[1:])
    assert room.checkpoint_bytes(dataclasses.replace(made, training=sgd)) - randomness.SIZE == 8 * 10**6
    counted = dataclasses.replace(made, predictions=Predictions({"all": 10**6}, {"weights": 7, "optimizer_state": 5}, ()))
    assert room.checkpoint_bytes(counted) - randomness.SIZE == 12


def test_the_size_of_a_checkpoint_is_what_one_really_takes(tmp_path: Path) -> None:
    training = tiny.training()
    model = dataclasses.replace(training.config.model, dim=64)
    training = dataclasses.replace(training, config=dataclasses.replace(training.config, model=model))
    task = gpt.build(training, tiny.prepared(training, tmp_path / "data"), tiny.CPU)
    task.step(0, 0)
    path = checkpoint.save(tmp_path, task, checkpoint.Position(1, 1, 1, 1.0), {}, [randomness.state()])
    real = sum(file.stat().st_size for file in path.iterdir())
    counted = compiled.memory(training.config, training.batch, "fp32", False, "cpu")
    made = dataclasses.replace(toy_family.experiment(training), predictions=Predictions({}, counted, ()))
    assert real == pytest.approx(room.checkpoint_bytes(made), rel=0.05)


def test_what_is_there_already_is_not_asked_for_again(toy: Path) -> None:
    made = toy_family.experiment(toy_family.training(40))
    assert room.taken(made, toy / "runs" / "toy") == 0
    stages.run(load(toy_family.write(toy, made)), ("prepare", "train"))
    folder = toy / "runs" / "toy"
    files = [folder / "metrics.jsonl", *(folder / "checkpoints").rglob("*")]
    assert room.taken(made, folder) == sum(file.stat().st_size for file in files if file.is_file())
    foreign = dataclasses.replace(made, training=dataclasses.replace(made.training, seed=1))
    assert room.taken(foreign, folder) == (folder / "metrics.jsonl").stat().st_size
