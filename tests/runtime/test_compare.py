"""Comparison of runs: ranking, cost, gains by hand arithmetic, and models that cannot be compared."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.contract import snapshot
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Compared, Suite
from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import compare as comparing
from expc.runtime.errors import UserError
from expc.runtime.evals import evaluation_sha256, result_path
from tests.fixtures.experiments import d8_depth, d8_depth_v2

SECONDS = {"d8_depth": 3600.0, "d8_depth_v2": 7200.0}
SCORES = {"d8_depth": ([0.5, 0.7], [0.5, 0.7], [0.5, 0.7]), "d8_depth_v2": ([0.6, 0.9], [0.5, 0.7], [0.7, 0.9])}


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def evaluated(workspace: Path, experiment: Experiment, step: int) -> None:
    """A run folder with a snapshot, a record, metrics and an evaluation of `SCORES`, one for each of two prompts."""
    folder, seconds = workspace / "runs" / experiment.run, SECONDS[experiment.run]
    folder.mkdir(parents=True)
    (folder / "snapshot.json").write_text(snapshot.dumps(experiment))
    write(folder / "record.json", {"tokens": 1, "train_seconds": 1, "data": {"sha256": "a"},
                                   "attempts": [{"host": {"gpu": "A card"}}]})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (
        {"step": step, "kind": "pace", "seconds": seconds}, {"step": step - 1, "kind": "valid", "valid_loss": 9.0},
        {"step": step, "kind": "valid", "valid_loss": 0.5})))
    names = [suite.name for suite in experiment.evaluation.suites]
    weights = {suite.name: suite.weight for suite in experiment.evaluation.suites}
    suites = {name: {"weight": weights[name], "score": {"mean": sum(values) / 2, "low": 0.0, "high": 1.0},
                     "samples": [{"prompt": str(index), "score": value} for index, value in enumerate(values)]}
              for name, values in zip(names, SCORES[experiment.run], strict=True)}
    mean = sum(suite["weight"] * suite["score"]["mean"] for suite in suites.values())
    write(result_path(workspace, experiment.run, step), {
        "run": experiment.run, "step": step, "suites": suites, "checkpoint_sha256": "c",
        "evaluation_sha256": evaluation_sha256(experiment), "position": {"tokens": step * 4096, "seconds": seconds},
        "composite": {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}})


def child(*compared: Compared) -> Experiment:
    """d8_depth_v2, compared with the runs given, by default its parent alone."""
    parent = Compared("d8_depth", "d8_depth", {"any": "parent"}, 5000, training_sha256(d8_depth().training), 18_874_368)
    experiment = d8_depth_v2()
    evaluation = dataclasses.replace(experiment.evaluation, compare=compared or (parent,))
    return dataclasses.replace(experiment, evaluation=evaluation)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two evaluated runs; evaluating is stood in for by what lies on disk."""

    def on_disk(experiment: Experiment, workspace: Path, say: Any, step: int | None = None) -> Path:
        path = result_path(workspace, experiment.run, step or experiment.training.steps)
        if not path.is_file():
            raise UserError("the checkpoint is missing")
        assert json.loads(path.read_text())["evaluation_sha256"] == evaluation_sha256(experiment)
        return path

    monkeypatch.setattr(comparing, "evaluate", on_disk)
    (tmp_path / "specs").mkdir()
    evaluated(tmp_path, d8_depth(), 5000)
    evaluated(tmp_path, child(), 20000)
    return tmp_path


def test_the_terminal_names_the_command_for_what_is_missing(workspace: Path) -> None:
    said: list[str] = []
    (workspace / "runs" / "d8_depth" / "snapshot.json").unlink()
    write(workspace / "generated" / "d8_depth" / "snapshot.json", {})
    (workspace / "generated" / "d8_depth" / "snapshot.json").write_text(snapshot.dumps(d8_depth()))
    comparing.compare(child(), workspace, said.append)
    assert "d8_depth is not ranked: it has not been trained; do that with: bash generated/train_d8_depth.sh" in said


def result(workspace: Path, experiment: Experiment | None = None) -> dict[str, Any]:
    path = comparing.compare(experiment or child(), workspace, lambda line: None)
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def row(found: dict[str, Any], run: str) -> dict[str, Any]:
    return next(model for model in found["models"] if model["run"] == run)  # type: ignore[no-any-return]


def test_ranking_and_cost(workspace: Path) -> None:
    found = result(workspace)
    assert found["ranking"] == ["d8_depth_v2", "d8_depth"]
    own = row(found, "d8_depth_v2")
    # .4 x .75 + .3 x .6 + .3 x .8
    assert own["composite"]["mean"] == pytest.approx(0.72)
    assert (own["rank"], own["step"], own["planned_step"]) == (1, 20000, 20000)
    assert own["cost"]["points_per_million_tokens"] == pytest.approx(72 / 81.92)
    assert own["cost"]["points_per_million_parameters"] == pytest.approx(72 / 18.874368)
    assert own["valid_loss"] == 0.5


def test_a_resumed_run_has_cost_what_its_parent_had_and_more(workspace: Path) -> None:
    found = result(workspace)
    assert row(found, "d8_depth_v2")["train_seconds"] == 7200 + 3600
    assert row(found, "d8_depth_v2")["cost"]["points_per_hour"] == pytest.approx(72 / 3)
    assert row(found, "d8_depth")["train_seconds"] == 3600
    (workspace / "runs" / "d8_depth" / "metrics.jsonl").write_text("")
    assert row(result(workspace), "d8_depth_v2")["train_seconds"] is None
    assert row(result(workspace), "d8_depth_v2")["cost"]["points_per_hour"] is None


def test_the_parents_time_is_that_of_its_checkpoint(workspace: Path) -> None:
    state = workspace / "runs" / "d8_depth" / "checkpoints" / "step_005000" / "state.json"
    write(state, {"position": {"seconds": 1800.0}})
    assert row(result(workspace), "d8_depth_v2")["train_seconds"] == 7200 + 1800


def test_gain_over_the_parent(workspace: Path) -> None:
    gain = result(workspace)["gains"][0]
    # .4 x .15 + .3 x 0 + .3 x .2, over 15,000 steps
    assert gain["composite"]["mean"] == pytest.approx(0.12)
    assert gain["per_thousand_steps"] == pytest.approx(0.008)
    assert (gain["from"], gain["to"], gain["steps"]) == ("d8_depth", "d8_depth_v2", 15000)
    # paired: the first suite's prompts gain .1 and .2, so no resample leaves that range
    assert [gain["suites"]["structure"][end] for end in ("low", "mean", "high")] == pytest.approx([0.1, 0.15, 0.2])
    assert gain["suites"]["tab"] == pytest.approx({"low": 0, "mean": 0, "high": 0})


def test_the_parent_counts_without_being_compared_too(workspace: Path) -> None:
    later = Compared("d8_depth", "d8_depth", {}, 4000, training_sha256(d8_depth().training), None)
    found = result(workspace, child(later))
    assert row(found, "d8_depth")["problems"][0]["code"] == "not_evaluated"
    assert found["gains"][0]["from_step"] == 5000


def test_what_is_unequal_is_said(workspace: Path) -> None:
    record = workspace / "runs" / "d8_depth" / "record.json"
    write(record, {"data": {"sha256": "b"}, "attempts": [{"host": {"gpu": None, "cpu": "A processor"}}]})
    found = {one["code"]: one for one in result(workspace)["fairness"]}
    assert found["steps_differ"] == {"code": "steps_differ", "least": 5000, "most": 20000}
    assert found["tokens_differ"]["most"] == 20000 * 4096
    assert found["machines_differ"]["machines"] == "A card, A processor"
    assert set(found) == {"steps_differ", "tokens_differ", "machines_differ", "data_differ"}


@pytest.mark.parametrize(("damage", "code"), [
    ("no evaluation", "not_evaluated"), ("never trained", "not_trained"), ("another training", "other_training")])
def test_a_model_without_numbers_is_listed_with_the_reason(damage: str, code: str, workspace: Path) -> None:
    folder = workspace / "runs" / "d8_depth"
    if damage == "no evaluation":
        result_path(workspace, "d8_depth", 5000).unlink()
    elif damage == "never trained":
        (folder / "snapshot.json").unlink()
    else:
        other = dataclasses.replace(d8_depth(), training=dataclasses.replace(d8_depth().training, seed=1))
        (folder / "snapshot.json").write_text(snapshot.dumps(other))
    found = result(workspace)
    parent = row(found, "d8_depth")
    assert (parent["rank"], parent["composite"], parent["cost"], parent["valid_loss"]) == (None, None, None, None)
    assert [problem["code"] for problem in parent["problems"]] == [code]
    assert found["gains"] == [] and found["ranking"] == ["d8_depth_v2"] and found["fairness"] == []


def test_a_model_that_had_other_suites_is_judged_on_these(workspace: Path) -> None:
    fewer: tuple[Suite, ...] = d8_depth().evaluation.suites[:1]
    other = dataclasses.replace(d8_depth(), evaluation=dataclasses.replace(d8_depth().evaluation, suites=fewer))
    assert evaluation_sha256(other) != evaluation_sha256(child())
    (workspace / "runs" / "d8_depth" / "snapshot.json").write_text(snapshot.dumps(other))
    assert row(result(workspace), "d8_depth")["problems"] == []


def test_the_table_lines_up_under_wide_names() -> None:
    model = {"run": "深度", "step": 5, "parameters": None, "suites": {}, "composite": None, "rank": None,
             "train_seconds": None, "valid_loss": None}
    scored = model | {"run": "d8", "rank": 1, "composite": {"mean": 0.5, "low": 0.4, "high": 0.6}}
    lines = comparing.table([model, scored | {"suites": {"tab": {"mean": 0.25}}}], ["note", "tab"])
    assert lines[0].split()[5:8] == ["loss", "note", "tab"]
    assert lines[1].startswith("1     d8     5") and "25.0%" in lines[1]
    assert lines[2].startswith("–     深度   5")
    assert "40.0% to 60.0%" in lines[1] and "%" not in lines[2]
