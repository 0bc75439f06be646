"""The loop's own promises: finite losses, counters, order of saving and validating."""

from __future__ import annotations

from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Experiment, Validation
from expc.runtime import stages
from expc.runtime.errors import STOPPED_BY_GUARD, UserError
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from expc.runtime.snapshot import load
from tests.runtime import toy_family


def run(workspace: Path, experiment: Experiment) -> Path:
    """Prepares and trains; returns the run's folder."""
    stages.run(load(toy_family.write(workspace, experiment)), ("prepare", "train"))
    return workspace / "runs" / experiment.run


def test_a_loss_that_is_not_finite_stops_and_is_never_saved(toy: Path) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(), nan_at=19))
    with pytest.raises(UserError, match="stopped by guard loss_is_not_finite at step 20: loss is not finite") as error:
        run(toy, made)
    assert error.value.exit_code == STOPPED_BY_GUARD
    folder = toy / "runs" / "toy"
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step_000010"]
    assert read_json(folder / "record.json")["outcome"] == "stopped"
    assert max(line["step"] for line in read_lines(folder / "metrics.jsonl")) == 19
    assert [(line["guard"], line["step"], line["done"]) for line in read_lines(folder / "events.jsonl")
            if line["event"] == "guard"] == [("loss_is_not_finite", 20, "stopped")]


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
