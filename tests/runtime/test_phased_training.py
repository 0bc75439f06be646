"""Phases at work: batch, rates and frozen groups change at their step, and an interruption changes nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from expc.compiler.contract.experiment import Loading
from expc.compiler.contract.phases import Batch, Phase
from expc.compiler.contract.training import Training
from expc.runtime import distributed, phases
from expc.runtime.families import gpt
from expc.runtime.journal import read_lines
from expc.runtime.loop import Loop
from tests.runtime import toy_family
from tests.runtime.families.gpt import tiny


def phased(made: Training, second: Batch, at: int) -> Training:
    """The same training in two phases: its own batch, then another at half the rates with the embedding frozen."""
    frozen = tuple(group.name for group in made.groups[:1])
    halved = {group.name: 0.5 for group in made.groups}
    first = Phase("first", 0, at, made.batch, False, {}, {}, ())
    return dataclasses.replace(made, phases=(first, Phase("second", at, made.steps, second, False, halved, {}, frozen)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.prepared(tiny.training(), tmp_path_factory.mktemp("gpt") / "data")


def run(task: gpt.GPTTask, training: Training, first: int, last: int, workers: dict[str, int]) -> None:
    """The loop's own order: enter, apply, step."""
    phase = None
    for update in range(first, last):
        if training.phase_at(update) is not phase:
            phase = training.phase_at(update)
            phases.freeze(task.optimizers.values(), phase)
            task.enter(phase, workers[phase.name])
        phases.apply(task.optimizers.values(), training, update)
        task.step(update, training.served(update).samples)


@pytest.mark.parametrize("workers", [{"first": 0, "second": 2}, {"first": 1, "second": 0}])
def test_workers_change_no_sample_and_an_interruption_changes_no_bit(folder: Path, workers: dict[str, int]) -> None:
    training = phased(tiny.training(steps=12), Batch(3, 48, 2, 1), 5)
    alone, read_ahead = gpt.build(training, folder, tiny.CPU), gpt.build(training, folder, tiny.CPU)
    run(alone, training, 0, 12, {"first": 0, "second": 0})
    for first, last in ((0, 3), (3, 7), (7, 12)):
        run(read_ahead, training, first, last, workers)
    for name, weight in alone.gpt.state_dict().items():
        assert torch.equal(weight, read_ahead.gpt.state_dict()[name]), name


def test_a_phase_freezes_a_group_and_halves_the_rates(folder: Path) -> None:
    training = phased(tiny.training(steps=8), Batch(2, 24, 1, 1), 4)
    task = gpt.build(training, folder, tiny.CPU)
    run(task, training, 0, 4, {"first": 0, "second": 0})
    before = task.gpt.state_dict()["token_embedding.weight"].clone()
    full = {group.name: group.rate for group in training.groups}
    assert training.rates_at(3) == full
    assert training.rates_at(4) == {name: rate / 2 for name, rate in full.items()}
    run(task, training, 4, 8, {"first": 0, "second": 0})
    assert torch.equal(before, task.gpt.state_dict()["token_embedding.weight"])


def test_the_loop_counts_what_each_phase_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 1)
    with toy_family.registered():
        made = phased(toy_family.training(20), Batch(2, 3, 2, 1), 8)
        experiment = toy_family.experiment(made, loading={"first": Loading(0, {}), "second": Loading(3, {})})
        (tmp_path / "data").mkdir()
        toy_family.prepare(made, tmp_path, tmp_path / "data", print)
        task = toy_family.build(made, tmp_path / "data", torch.device("cpu"))
        loop = loop_of(experiment, task, tmp_path / "run")
        position = loop.run()
    assert (position.samples, position.tokens) == (8 * 4 + 12 * 4, 8 * 4 + 12 * 12)
    entered = [line for line in read_lines(tmp_path / "run" / "events.jsonl") if line["event"] == "phase"]
    assert [(line["name"], line["step"], line["rows"], line["workers"]) for line in entered] == [
        ("first", 0, 4, 0), ("second", 8, 2, 3)]
    assert all(line["compile"] is False for line in entered)
    rates = {line["step"]: line["rate.critic"] for line in read_lines(tmp_path / "run" / "metrics.jsonl")
             if line["kind"] == "train"}
    assert rates[8] == pytest.approx(0.05 * made.curves["rate"].at(7))
    assert rates[9] == pytest.approx(0.025 * made.curves["rate"].at(8))


def loop_of(experiment: toy_family.Experiment, task: toy_family.ToyTask, folder: Path) -> Loop:
    """A loop at its beginning."""
    from expc.runtime.checkpoint import Position
    from expc.runtime.guards import Guards
    from expc.runtime.journal import Metrics
    from expc.runtime.watchdog import Watchdog

    folder.mkdir()
    guards = Guards(experiment.guards, lambda guard, step, done, line: None)
    watchdog = Watchdog(experiment.guards, task.waiting, lambda guard, step, seconds: None)
    return Loop(experiment, task, Position(0, 0, 0, 0.0), folder, Metrics(folder / "metrics.jsonl", 0), {},
                lambda step, measured: None, guards, watchdog)
