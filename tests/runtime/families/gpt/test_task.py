"""Training: it learns, it repeats itself bit for bit, and how samples are cut into batches changes only rounding."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from expc.compiler.contract.training import Batch
from expc.compiler.families.gpt import LOGGED, METRICS
from expc.runtime import distributed, phases
from expc.runtime.families import gpt
from expc.runtime.files import read_json
from expc.runtime.loading import Fetch
from tests.runtime.families.gpt.tiny import CPU, prepared, train, training


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(training(), tmp_path_factory.mktemp("gpt") / "data")


def weights(task: gpt.GPTTask) -> dict[str, torch.Tensor]:
    return copy.deepcopy(task.gpt.state_dict())


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_learns_more_than_the_frequencies_of_tokens(folder: Path) -> None:
    task = gpt.build(training(steps=100), folder, CPU)
    losses = train(task, 0, 100)
    assert losses[0] == pytest.approx(math.log(320), abs=0.05)
    assert task.validate(4)["valid_loss"] < read_json(folder / "about.json")["unigram_entropy"] - 0.5


def test_it_logs_and_measures_what_the_compiler_says(folder: Path) -> None:
    task = gpt.build(training(), folder, CPU)
    assert task.step(0, 0).keys() == {metric.name for metric in LOGGED}
    assert task.validate(1).keys() <= {"valid_loss", *(metric.name for metric in METRICS)}


def test_two_runs_are_equal_bit_for_bit(folder: Path) -> None:
    one, other = gpt.build(training(), folder, CPU), gpt.build(training(), folder, CPU)
    assert train(one, 0, 6) == train(other, 0, 6)
    assert same(weights(one), weights(other))


def test_stopping_and_going_on_equals_going_through(folder: Path) -> None:
    through, stopped, resumed = (gpt.build(training(), folder, CPU) for _ in range(3))
    train(through, 0, 8)
    train(stopped, 0, 5)
    resumed.gpt.load_state_dict(stopped.gpt.state_dict())
    for name, optimizer in resumed.optimizers.items():
        optimizer.load_state_dict(copy.deepcopy(stopped.optimizers[name].state_dict()))
    train(resumed, 5, 8)
    assert same(weights(through), weights(resumed))


def test_accumulated_micro_batches_equal_one_large_batch(folder: Path) -> None:
    whole = gpt.build(training(Batch(4, 48, 1, 1)), folder, CPU)
    parts = gpt.build(training(Batch(2, 48, 2, 1)), folder, CPU)
    whole.step(0, 0), parts.step(0, 0)
    for name, value in whole.gpt.state_dict().items():
        if "embedding" not in name:  # Adam's first step is the gradient's sign, that of nearly nothing is chance
            torch.testing.assert_close(value, parts.gpt.state_dict()[name], rtol=0, atol=2e-3)
    assert train(whole, 1, 4) == pytest.approx(train(parts, 1, 4), rel=2e-2)


def test_ranks_share_an_update_between_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = training(Batch(2, 48, 2, 2))
    served: list[int] = []
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "mean", lambda value: value)
    for rank in (0, 1):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        task = gpt.build(run, folder, CPU)
        fetch = task.stream.source.fetch

        def recorded(first: int, count: int, fetch: Fetch = fetch) -> np.ndarray:
            served.extend(range(first, first + count))
            return fetch(first, count)

        monkeypatch.setattr(task.stream.source, "fetch", recorded)
        task.step(3, 24)
    assert sorted(served) == list(range(24, 24 + run.batch.samples))


def test_the_norm_is_logged_and_clipped_only_where_asked(folder: Path) -> None:
    clipped = gpt.build(training(clip=1e-3), folder, CPU)
    free = gpt.build(training(), folder, CPU)
    phases.apply(clipped.optimizers.values(), clipped.training, 0)
    norms = [float(task.step(0, 0)["grad_norm"]) for task in (clipped, free)]
    assert norms[0] == norms[1] > 1e-3
    moment = next(iter(clipped.optimizers["adamw"].state.values()))["exp_avg"].norm()
    free_moment = next(iter(free.optimizers["adamw"].state.values()))["exp_avg"].norm()
    assert float(moment) < 1e-3 < norms[0] and float(moment) < float(free_moment)


def test_a_loaded_state_does_not_bring_its_parents_options(folder: Path) -> None:
    parent = gpt.build(training(), folder, CPU)
    train(parent, 0, 1)
    child = gpt.build(training(optimizer={"beta2": 0.99, "momentum": 0.9}), folder, CPU)
    for name, optimizer in child.optimizers.items():
        optimizer.load_state_dict(parent.optimizers[name].state_dict())
    train(child, 1, 2)
    assert all(group["betas"] == (0.8, 0.99) for group in child.optimizers["adamw"].param_groups)
    assert [group["momentum"] for group in child.optimizers["muon"].param_groups] == [0.9]


def test_validation_measures_all_tokens_and_is_repeatable(folder: Path) -> None:
    task = gpt.build(training(), folder, CPU)
    first, again = task.validate(10_000), task.validate(10_000)
    assert first == again
    assert set(first) == {"valid_loss", "valid_bits_per_byte", "tunes_loss"}
    ids = np.fromfile(folder / "valid.bin", dtype="<u2")
    about = read_json(folder / "about.json")
    text_bytes = sum(about["token_bytes"][token] for token in ids[1:])
    nats = first["valid_loss"] * (len(ids) - 1)
    assert first["valid_bits_per_byte"] == pytest.approx(nats / math.log(2) / text_bytes)


def test_validation_leaves_training_alone(folder: Path) -> None:
    quiet, validated = gpt.build(training(), folder, CPU), gpt.build(training(), folder, CPU)
    train(quiet, 0, 4)
    train(validated, 0, 2)
    validated.validate(2)
    train(validated, 2, 4)
    assert same(weights(quiet), weights(validated))


def test_a_probe_measures_seconds(folder: Path) -> None:
    assert 0 < gpt.probe(training(), CPU, 2) < 60
