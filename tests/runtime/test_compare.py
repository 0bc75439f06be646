"""Comparison of runs: ranking, cost, gains by hand arithmetic, and models that cannot be compared."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.contract import snapshot
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Compared
from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import compare as comparing
from expc.runtime.errors import UserError
from expc.runtime.evals import evaluation_sha256, result_path
from tests.fixtures.experiments import d8_depth, d8_depth_v2


def evaluated(workspace: Path, experiment: Experiment, step: int, scores: dict[str, list[float]]) -> None:
    """A run folder with a snapshot, a record, metrics and an evaluation of the given scores, one a prompt."""
    folder = workspace / "runs" / experiment.run
    folder.mkdir(parents=True)
    (workspace / "specs").mkdir(exist_ok=True)
    (folder / "snapshot.json").write_text(snapshot.dumps(experiment))
    seconds = {"d8_depth": 3600.0, "d8_depth_v2": 7200.0}[experiment.run]
    (folder / "record.json").write_text(json.dumps({
        "tokens": step * 4096, "train_seconds": seconds, "attempts": [{"host": {"gpu": "A card"}}]}))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (
        {"step": step, "kind": "pace", "seconds": seconds}, {"step": step, "kind": "valid", "valid_loss": 0.5})))
    suites = {name: {"weight": 0, "score": {"mean": sum(values) / len(values), "low": 0.0, "high": 1.0},
                     "samples": [{"prompt": str(index), "score": value} for index, value in enumerate(values)]}
              for name, values in scores.items()}
    weights = {suite.name: suite.weight for suite in experiment.evaluation.suites}
    mean = sum(weights[name] * suite["score"]["mean"] for name, suite in suites.items())
    path = result_path(workspace, experiment.run, step)
    path.parent.mkdir()
    path.write_text(json.dumps({"run": experiment.run, "step": step, "suites": suites,
                                "composite": {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}}))


def child() -> Experiment:
    """d8_depth_v2, compared with its parent alone."""
    experiment, parent = d8_depth_v2(), d8_depth()
    one = Compared("d8_depth", "d8_depth", {"any": "parent"}, 5000, training_sha256(parent.training), 18_874_368)
    return dataclasses.replace(experiment, evaluation=dataclasses.replace(experiment.evaluation, compare=(one,)))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two evaluated runs; evaluating is stood in for by what lies on disk."""

    def on_disk(experiment: Experiment, workspace: Path, say: Any, step: int | None = None) -> Path:
        path = result_path(workspace, experiment.run, step or experiment.training.steps)
        if not path.is_file():
            raise UserError("the checkpoint is missing")
        return path

    monkeypatch.setattr(comparing, "evaluate", on_disk)
    names = [suite.name for suite in child().evaluation.suites]
    evaluated(tmp_path, d8_depth(), 5000, dict.fromkeys(names, [0.5, 0.7]))
    evaluated(tmp_path, child(), 20000, dict(zip(names, ([0.6, 0.9], [0.5, 0.7], [0.7, 0.9]), strict=True)))
    return tmp_path


def result(workspace: Path) -> dict[str, Any]:
    return json.loads(comparing.compare(child(), workspace, lambda line: None).read_text())  # type: ignore[no-any-return]


def test_ranking_cost_and_gain(workspace: Path) -> None:
    found = result(workspace)
    assert found["ranking"] == ["d8_depth_v2", "d8_depth"]
    own = next(model for model in found["models"] if model["run"] == "d8_depth_v2")
    # .4 x .75 + .3 x .6 + .3 x .8
    assert own["composite"]["mean"] == pytest.approx(0.72)
    assert own["train_seconds"] == 7200 + 3600
    assert own["cost"]["points_per_hour"] == pytest.approx(72 / 3)
    assert own["cost"]["points_per_million_tokens"] == pytest.approx(72 / 81.92)
    gain = found["gains"][0]
    # .4 x .15 + .3 x 0 + .3 x .2, over 15,000 steps
    assert gain["composite"]["mean"] == pytest.approx(0.12)
    assert gain["per_thousand_steps"] == pytest.approx(0.008)
    assert list(gain["suites"].values())[0] is not None
    assert {one["code"] for one in found["fairness"]} == {"steps_differ", "tokens_differ"} | (
        {"parameters_differ"} if own["parameters"] != 18_874_368 else set())


@pytest.mark.parametrize("damage", ["no evaluation", "never trained", "another training"])
def test_a_model_without_numbers_is_listed_with_the_reason(damage: str, workspace: Path) -> None:
    folder = workspace / "runs" / "d8_depth"
    if damage == "no evaluation":
        result_path(workspace, "d8_depth", 5000).unlink()
    elif damage == "never trained":
        (folder / "snapshot.json").unlink()
    else:
        other = dataclasses.replace(d8_depth(), training=dataclasses.replace(d8_depth().training, seed=1))
        (folder / "snapshot.json").write_text(snapshot.dumps(other))
    found = result(workspace)
    parent = next(model for model in found["models"] if model["run"] == "d8_depth")
    assert (parent["rank"], parent["composite"], parent["cost"]) == (None, None, None)
    assert parent["problems"][0]["code"] == "not_evaluated"
    assert found["gains"] == [] and found["ranking"] == ["d8_depth_v2"]


def test_suites_of_another_experiment_are_not_compared(workspace: Path) -> None:
    suites = tuple(dataclasses.replace(suite, samples=suite.samples + 1) for suite in d8_depth().evaluation.suites)
    other = dataclasses.replace(d8_depth(), evaluation=dataclasses.replace(d8_depth().evaluation, suites=suites))
    assert evaluation_sha256(other) != evaluation_sha256(child())
    (workspace / "runs" / "d8_depth" / "snapshot.json").write_text(snapshot.dumps(other))
    assert "other suites" in result(workspace)["models"][0]["problems"][0]["why"]


def test_the_table_lines_up_under_wide_names() -> None:
    model = {"run": "深度", "step": 5, "parameters": None, "suites": {}, "composite": None, "rank": None, "train_seconds": None}
    lines = comparing.table([model, model | {"run": "d8", "rank": 1, "composite": {"mean": 0.5, "low": 0.4, "high": 0.6}}])
    assert lines[1].startswith("1     d8     5")
    assert lines[2].startswith("–     深度   5")
