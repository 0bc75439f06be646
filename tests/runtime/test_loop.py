"""The loop's own promises: finite losses, counters, order of saving and validating, small overhead."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from expc.compiler.contract.experiment import Checkpointing, Experiment, Validation
from expc.runtime import stages
from expc.runtime.errors import FAILED, UserError
from expc.runtime.files import read_json
from expc.runtime.journal import Metrics, read_lines
from expc.runtime.loop import Loop, Position
from expc.runtime.snapshot import load
from tests.runtime import toy_family


def run(workspace: Path, experiment: Experiment) -> Path:
    """Prepares and trains; returns the run's folder."""
    stages.run(load(toy_family.write(workspace, experiment)), ("prepare", "train"))
    return workspace / "runs" / experiment.run


def test_a_loss_that_is_not_finite_stops_and_is_never_saved(toy: Path) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(), nan_at=19))
    with pytest.raises(UserError, match="the loss of step 20 is nan; training stopped") as error:
        run(toy, made)
    assert error.value.exit_code == FAILED
    folder = toy / "runs" / "toy"
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step_000010"]
    assert read_json(folder / "record.json")["outcome"] == "failed"
    assert max(line["step"] for line in read_lines(folder / "metrics.jsonl")) == 19
    assert [line["loss"] for line in read_lines(folder / "events.jsonl") if line["event"] == "not_finite"] == ["nan"]


def test_counters_and_record(toy: Path) -> None:
    folder = run(toy, toy_family.experiment(toy_family.training(25)))
    record = read_json(folder / "record.json")
    assert (record["outcome"], record["step"], record["samples"], record["tokens"]) == ("done", 25, 100, 100)
    assert record["attempts"][0]["to_step"] == 25 and record["attempts"][0]["host"]["threads"] >= 1
    assert record["parameters"] == {"generator": 49, "critic": 25}
    assert record["peak_memory"] > 10**6 and record["peak_memory_how"] == "peak resident memory of the process"
    saved = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert saved == ["step_000010", "step_000020", "step_000025"]


def test_it_saves_before_it_validates(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, batches: int) -> dict[str, float]:
        raise UserError("the held-out data are gone")

    monkeypatch.setattr(toy_family.ToyTask, "validate", broken)
    made = toy_family.experiment(toy_family.training(), validation=Validation(10, 4))
    with pytest.raises(UserError, match="held-out"):
        run(toy, made)
    assert (toy / "runs" / "toy" / "checkpoints" / "step_000010").is_dir()


class Nothing:
    """A task whose step costs nothing, to see what the loop costs."""

    def __init__(self) -> None:
        model = torch.nn.Linear(1, 1)
        groups = [{"name": name, "params": [parameter]}
                  for name, parameter in zip(("generator", "critic"), model.parameters(), strict=True)]
        self.models: dict[str, torch.nn.Module] = {"model": model}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"sgd": torch.optim.SGD(groups)}
        self.loss = torch.zeros(())

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        return {"loss": self.loss, "gradient_norm": self.loss}

    def validate(self, batches: int) -> dict[str, float]:
        return {"valid_loss": 0.0}


def test_the_loop_costs_little_beside_the_step(tmp_path: Path) -> None:
    steps = 3000
    made = toy_family.experiment(toy_family.training(steps), checkpoint=Checkpointing(10**6, 1, None),
                                 validation=Validation(10**6, 1))
    one = Loop(made, Nothing(), Position(0, 0, 0, 0.0), tmp_path, Metrics(tmp_path / "metrics.jsonl", 0),
               {"training_sha256": "a" * 64}, lambda step, measured: None)
    started = time.process_time()
    one.run()
    assert (time.process_time() - started) / steps < 0.0003
    assert one.position == dataclasses.replace(one.position, step=steps, samples=4 * steps)
