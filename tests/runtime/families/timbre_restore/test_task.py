"""Training: it learns and repeats itself bit for bit; the discriminators join in when the phase says so, and not before."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path

import pytest
import torch

from expc.compiler.contract.phases import Batch
from expc.compiler.families.timbre_restore import LOGGED, METRICS
from expc.runtime import distributed
from expc.runtime.families import timbre_restore as family
from expc.runtime.families.timbre_restore.task import TimbreTask
from tests.runtime.equality import same
from tests.runtime.families.timbre_restore.small import CPU, GAN, model, prepared, train, training

ADVERSARIAL = {"adversarial", "feature_matching", "d_real", "d_fake"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(training(), tmp_path_factory.mktemp("timbre") / "data")


def state(task: TimbreTask) -> dict[str, object]:
    """Weights of both models and what both optimizers hold."""
    return copy.deepcopy({"models": {name: one.state_dict() for name, one in task.models.items()},
                          "optimizers": {name: one.state_dict()["state"] for name, one in task.optimizers.items()}})


def test_it_comes_closer_to_the_clean_audio(folder: Path) -> None:
    task = family.build(training(steps=60), folder, CPU)
    before = task.validate(2)["valid_loss"]
    train(task, 0, GAN)
    for update in range(GAN, 40):  # reconstruction alone, on the few excerpts there are
        task.step(update, 2 * update)
    assert task.validate(2)["valid_loss"] < 0.97 * before


def test_it_logs_and_measures_what_the_compiler_says(folder: Path) -> None:
    task = family.build(training(), folder, CPU)
    names = {metric.name for metric in LOGGED}
    before, after = train(task, 0, GAN)[-1], train(task, GAN, GAN + 1)[0]
    assert after.keys() == names and before.keys() == names - ADVERSARIAL
    measured = task.validate(1)
    assert measured.keys() == {"valid_loss", *(metric.name for metric in METRICS)}
    assert measured["valid_loss"] == measured["valid_l1"] + measured["valid_mrstft"]
    assert all(math.isfinite(value) for value in (*after.values(), *measured.values()))


def test_a_loaded_state_does_not_bring_its_parents_options_along(folder: Path) -> None:
    task = family.build(training(), folder, CPU)
    own = {name: one.param_groups[0]["betas"] for name, one in task.optimizers.items()}
    for one in task.optimizers.values():
        one.param_groups[0]["betas"] = (0.1, 0.2)
    train(task, 0, 1)
    assert {name: one.param_groups[0]["betas"] for name, one in task.optimizers.items()} == own


def test_the_loss_is_the_weighted_sum(folder: Path) -> None:
    figures = train(family.build(training(), folder, CPU), GAN, GAN + 1)[0]
    expected = 60 * figures["l1"] + figures["mrstft"] + figures["adversarial"] + 2 * figures["feature_matching"]
    assert figures["loss"] == pytest.approx(expected, rel=1e-5)


def test_frozen_discriminators_stand_still_and_then_move(folder: Path) -> None:
    task = family.build(training(), folder, CPU)
    fresh = state(task)
    train(task, 0, GAN)
    assert same(fresh["models"]["discriminators"], state(task)["models"]["discriminators"])  # type: ignore[index]
    assert not task.optimizers["discriminators"].state
    train(task, GAN, GAN + 1)
    assert not same(fresh["models"]["discriminators"], state(task)["models"]["discriminators"])  # type: ignore[index]


def test_the_generators_update_leaves_no_gradient_in_the_discriminators(folder: Path) -> None:
    task = family.build(training(), folder, CPU)
    train(task, GAN, GAN + 2)
    assert all(one.grad is None and one.requires_grad for one in task.discriminators.parameters())


def test_a_frozen_generator_stands_still_while_the_discriminators_train(folder: Path) -> None:
    run = training()
    alone = dataclasses.replace(run, phases=(dataclasses.replace(run.phases[1], start=0, frozen=("generator",)),))
    task = family.build(alone, folder, CPU)
    fresh = state(task)
    logged = train(task, 0, 2)
    assert same(fresh["models"]["generator"], state(task)["models"]["generator"])  # type: ignore[index]
    assert not same(fresh["models"]["discriminators"], state(task)["models"]["discriminators"])  # type: ignore[index]
    assert logged[0]["grad_norm"] == 0


def test_two_runs_are_equal_bit_for_bit(folder: Path) -> None:
    one, other = (family.build(training(), folder, CPU) for _ in range(2))
    assert train(one, 0, 9) == train(other, 0, 9)
    assert same(state(one), state(other))


@pytest.mark.parametrize("stop", [3, GAN, 8])
def test_stopping_and_going_on_equals_going_through(folder: Path, stop: int) -> None:
    through, stopped, resumed = (family.build(training(), folder, CPU) for _ in range(3))
    train(through, 0, 10)
    train(stopped, 0, stop)
    for name, one in resumed.models.items():
        one.load_state_dict(stopped.models[name].state_dict())
        resumed.optimizers[name].load_state_dict(copy.deepcopy(stopped.optimizers[name].state_dict()))
    train(resumed, stop, 10)
    assert same(state(through), state(resumed))


def test_accumulated_micro_batches_equal_one_large_batch(folder: Path) -> None:
    whole = family.build(training(Batch(4, 2048, 1, 1)), folder, CPU)
    parts = family.build(training(Batch(2, 2048, 2, 1)), folder, CPU)
    for first, second in zip(train(whole, GAN, GAN + 3), train(parts, GAN, GAN + 3), strict=True):
        assert first == pytest.approx(second, rel=1e-3)


def test_ranks_share_an_update_between_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, served = training(Batch(2, 2048, 2, 2)), list[int]()
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "mean", lambda value: value)
    for rank in (0, 1):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        task = family.build(run, folder, CPU)
        take = task.stream.take
        monkeypatch.setattr(task.stream, "take", lambda first, take=take: (served.extend((first, first + 1)), take(first))[1])
        task.step(3, 24)
    assert sorted(served) == list(range(24, 24 + run.batch.samples))


def test_gradients_are_clipped_where_the_spec_says_so(folder: Path) -> None:
    clipped, free = (family.build(training(clip=clip), folder, CPU) for clip in (1e-3, None))
    norms = [train(task, 0, 1)[0]["grad_norm"] for task in (clipped, free)]
    assert norms[0] == norms[1] > 1e-3
    moments = [torch.cat([one["exp_avg"].flatten() for one in task.optimizers["generator"].state.values()]).norm()
               for task in (clipped, free)]
    assert float(moments[0]) < 1e-3 < float(moments[1]) * 10


def test_the_probe_needs_no_data() -> None:
    assert family.probe(training(), CPU, 1) > 0


def test_a_model_without_discriminators_only_reconstructs(folder: Path) -> None:
    alone = model(discriminators=type(model().discriminators)(0, (), 1))
    task = family.build(training(discriminators=alone.discriminators), folder, CPU)
    assert train(task, GAN, GAN + 1)[0].keys() == {"loss", "l1", "mrstft", "grad_norm"}
