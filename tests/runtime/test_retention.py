"""Which checkpoints go and which stay: the policy, the best, what others need, and never the only one that is whole."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract import retention as contract
from expc.compiler.contract.experiment import Checkpointing, Experiment, KeepBest
from expc.compiler.contract.promises import Compared
from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import checkpoint, randomness, retention, stages
from expc.runtime.checkpoint import Position
from expc.runtime.journal import Metrics
from expc.runtime.snapshot import load
from tests.runtime import toy_family
from tests.runtime.test_checkpoint import OneModel, flip, kept


def made(steps: int, policy: Checkpointing) -> Experiment:
    """A toy experiment with a policy."""
    return dataclasses.replace(toy_family.experiment(toy_family.training(steps)), checkpoint=policy)


def save(run: Path, experiment: Experiment, step: int, training: str | None = None) -> Path:
    """A checkpoint of a run in its folder."""
    identity = {"training_sha256": training or training_sha256(experiment.training)}
    position = Position(step, step * 4, step * 4, 0.0)
    return checkpoint.save(run / "checkpoints", OneModel(step), position, identity, [randomness.state()])


@pytest.fixture
def run(toy: Path) -> Path:
    """The folder of the run `toy`."""
    return toy / "runs" / "toy"


def after_all(run: Path, experiment: Experiment, steps: range) -> list[str]:
    """What is left when a run has saved these steps."""
    for step in steps:
        retention.prune(save(run, experiment, step), experiment, run)
    return kept(run / "checkpoints")


def test_the_newest_and_the_multiples_stay(run: Path) -> None:
    assert after_all(run, made(70, Checkpointing(10, 2, 30)), range(10, 80, 10)) == [
        "step_000030", "step_000060", "step_000070"]


def test_what_a_stop_has_saved_goes_with_the_next_one_and_pushes_nothing_out(run: Path) -> None:
    experiment = made(100, Checkpointing(10, 2, None))
    for step in (10, 20, 23):
        retention.prune(save(run, experiment, step), experiment, run)
    assert kept(run / "checkpoints") == ["step_000010", "step_000020", "step_000023"]
    retention.prune(save(run, experiment, 30), experiment, run)
    assert kept(run / "checkpoints") == ["step_000020", "step_000030"]


@pytest.mark.parametrize(("better", "best"), [("lower", "step_000020"), ("higher", "step_000010")])
def test_the_best_stays_by_the_metrics_own_direction(run: Path, better: str, best: str) -> None:
    experiment = made(60, Checkpointing(10, 1, None, KeepBest("valid_loss", better, 1)))  # type: ignore[arg-type]
    metrics = Metrics(run / "metrics.jsonl", 0)
    for step, loss in ((10, 0.9), (20, 0.1), (30, 0.5), (40, float("nan")), (50, 0.6)):
        metrics.write(step, "valid", {"valid_loss": loss})
    metrics.close()
    assert after_all(run, experiment, range(10, 70, 10)) == [best, "step_000060"]


def test_what_another_experiment_needs_stays(toy: Path, run: Path) -> None:
    parent = toy_family.training(40)
    toy_family.write(toy, toy_family.child(parent, 10, 60))
    compared = toy_family.experiment(toy_family.training(7), "other")
    compared = dataclasses.replace(compared, evaluation=dataclasses.replace(
        compared.evaluation, compare=(Compared("toy", "toy", {}, 20, "0" * 64, None),)))
    toy_family.write(toy, compared)
    (toy / "generated" / "broken").mkdir()
    (toy / "generated" / "broken" / "snapshot.json").write_text("{}")
    assert after_all(run, made(40, Checkpointing(10, 1, None)), range(10, 50, 10)) == [
        "step_000010", "step_000020", "step_000040"]


def test_foreign_broken_and_renamed_ones_are_not_touched_and_push_nothing_out(run: Path) -> None:
    experiment = made(700, Checkpointing(10, 1, None))
    for step in (500, 600):
        save(run, experiment, step, "c" * 64)
    for step in (10, 20):
        save(run, experiment, step)
    (run / "checkpoints" / "step_000020").rename(run / "checkpoints" / "the good one")
    (save(run, experiment, 300) / "random.pt").write_bytes(b"")
    dropped = retention.prune(save(run, experiment, 30), experiment, run)
    assert [path.name for path in dropped] == ["step_000010"]
    assert kept(run / "checkpoints") == ["step_000030", "step_000300", "step_000500", "step_000600", "the good one"]


def test_nothing_is_deleted_when_the_newest_does_not_read_back(run: Path) -> None:
    experiment = made(40, Checkpointing(10, 1, None))
    save(run, experiment, 10)
    newest = save(run, experiment, 20)
    flip(newest / "model.safetensors")
    assert retention.prune(newest, experiment, run) == []
    assert checkpoint.newest(run / "checkpoints", training_sha256(experiment.training))[0].position.step == 10  # type: ignore[union-attr]


def test_a_whole_run_keeps_its_best(toy: Path, run: Path) -> None:
    experiment = made(60, Checkpointing(10, 1, None, KeepBest("valid_loss", "higher", 2)))
    experiment = dataclasses.replace(experiment, validation=dataclasses.replace(experiment.validation, every=10))
    stages.run(load(toy_family.write(toy, experiment)), ("prepare", "train"))
    losses = retention.measured(experiment, run)
    assert sorted(losses) == [10, 20, 30, 40, 50, 60]
    best = sorted(losses, key=lambda step: (-losses[step], step))
    expected = {60, *[step for step in best if step != 60][:2]}
    assert kept(run / "checkpoints") == sorted(f"step_{step:06d}" for step in expected)


policies = st.builds(Checkpointing, st.integers(1, 12), st.integers(1, 4), st.none() | st.integers(1, 40),
                     st.none() | st.builds(KeepBest, st.just("valid_loss"), st.sampled_from(["lower", "higher"]),
                                           st.integers(1, 3)))


@given(policies, st.integers(1, 120), st.integers(0, 40), st.randoms(use_true_random=False))
def test_the_checks_rule_holds_for_every_run_whatever_interrupts_it(policy: Checkpointing, steps: int, start: int,
                                                                    dice: random.Random) -> None:
    """What the compiler promises (`is_kept`) is what a run that saves, stops and prunes as it goes has in the end."""
    parent = toy_family.training(200)
    child = toy_family.child(parent, start, start + steps)
    fresh = toy_family.experiment(dataclasses.replace(parent, steps=steps))
    experiment = dataclasses.replace(child if start else fresh, checkpoint=policy)
    last = start + steps
    measured = {step: dice.random() for step in range(start, last)}
    held: set[int] = set()
    most = 0
    for step in range(start, last + 1):
        if (step > start and step % policy.every == 0) or step == last or dice.random() < 0.1:
            held.add(step)
            most = max(most, len(held))
            held = contract.survivors(experiment, held, measured)
            assert step in held
    sure = {step for step in range(start + 1, last + 1) if contract.is_kept(experiment, step)}
    assert sure <= held and most <= contract.most_at_once(experiment)
    others = {step for step in held - sure if step != last}
    saved = [step for step in range(start + 1, last) if step % policy.every == 0]
    assert others <= set(contract.best(policy, saved, measured))
