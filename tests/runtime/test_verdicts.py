"""Promises against measurements: who met what, and when no verdict may be given at all."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Expectation
from expc.runtime import verdicts
from tests.fixtures.experiments import d8_depth_v2
from tests.fixtures.runs import HOST, write_run


def promise(metric: str, lower: float | None = None, upper: float | None = None, strict: bool = False) -> Expectation:
    return Expectation(metric, "number", lower, upper, strict, strict, {})


def on_cpu(experiment: Experiment) -> Experiment:
    return dataclasses.replace(experiment, hardware=dataclasses.replace(experiment.hardware, target="cpu", title="CPU"))


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def judged(workspace: Path, experiment: Experiment, *promises: Expectation) -> list[verdicts.Verdict]:
    return list(verdicts.verdicts(dataclasses.replace(experiment, expectations=promises), workspace))


@pytest.mark.parametrize(("one", "value", "expected"), [
    (promise("x", 0.8), 0.8, True), (promise("x", 0.8, strict=True), 0.8, False), (promise("x", 0.8), 0.79, False),
    (promise("x", None, 0.5), 0.5, True), (promise("x", None, 0.5, True), 0.5, False),
    (promise("x", 1.0, 2.0), 1.5, True), (promise("x", 1.0, 2.0), 2.1, False)])
def test_bounds(one: Expectation, value: float, expected: bool) -> None:
    assert verdicts.holds(one, value) is expected


def test_scores_and_losses_of_the_planned_step_are_judged(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    write_run(tmp_path, experiment)
    found = judged(tmp_path, experiment, promise("eval.composite", 0.8), promise("eval.composite", 0.82),
                   promise("valid_loss", None, 0.48))
    assert [one.outcome for one in found] == ["met", "missed", "met"]
    assert found[0].measured == 0.81
    assert found[2].measured == pytest.approx(0.47, abs=1e-6)


def test_the_training_loss_is_the_mean_over_the_last_updates(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    losses = {19_900: 9.0, 19_901: 0.5, 20_000: 0.7}
    lines = [{"step": step, "kind": "train", "loss": loss} for step, loss in losses.items()]
    (write_run(tmp_path, experiment) / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = judged(tmp_path, experiment, promise("train_loss", None, 1.0))[0]
    assert (found.measured, found.outcome) == (pytest.approx(0.6), "met")
    assert found.reason == {"code": "mean_of_updates", "updates": 100}


def test_what_was_not_measured_is_not_zero(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    (write_run(tmp_path, experiment) / "evaluation" / "step_020000.json").unlink()
    found = judged(tmp_path, experiment, promise("eval.composite", None, 0.5), promise("eval.nothing", None, 1.0))
    assert [(one.outcome, one.measured) for one in found] == [("not_measured", None)] * 2


def test_no_verdict_on_a_card_from_a_processor(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    write_run(tmp_path, experiment)
    found = judged(tmp_path, experiment, promise("peak_memory", None, 6e9), promise("train_time", None, 1e9))
    assert {one.outcome for one in found} == {"not_valid"}
    assert found[0].reason == {"code": "other_hardware", "machine": "CPU", "target": experiment.hardware.title}
    at_home = judged(tmp_path, on_cpu(experiment), promise("peak_memory", None, 6e9))[0]
    assert (at_home.outcome, at_home.reason) == ("met", {"code": "resident_memory"})


def test_a_run_that_went_on_elsewhere_was_measured_on_both_machines(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    card = [{"host": HOST | {"gpu": "NVIDIA GeForce RTX 4060"}}]
    change(write_run(tmp_path, experiment) / "record.json", attempts=[*card, {"host": HOST}])
    found = judged(tmp_path, experiment, promise("train_time", None, 1e9))[0]
    assert found.reason == {"code": "other_hardware", "machine": "CPU", "target": experiment.hardware.title}
    change(tmp_path / "runs" / experiment.run / "record.json", attempts=card)
    assert judged(tmp_path, experiment, promise("train_time", None, 1e9))[0].outcome == "met"


def test_a_loss_that_was_validated_earlier_is_not_that_of_the_end(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    path = write_run(tmp_path, experiment) / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [line for line in lines if line["kind"] == "train" or line["step"] < 20_000]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    found = judged(tmp_path, experiment, promise("valid_loss", None, 9.0))[0]
    assert (found.outcome, found.reason) == ("not_valid", {"code": "unfinished", "step": 19_000, "planned": 20_000})


@pytest.mark.parametrize(("gpu", "fits"), [
    ("NVIDIA GeForce RTX 4060", True), ("NVIDIA GeForce RTX 4060 Ti", False), ("NVIDIA GeForce RTX 4090", False),
    ("NVIDIA GeForce RTX 4060 Laptop GPU", False), ("NVIDIA RTX 4060", False), (None, False)])
def test_only_the_targets_own_device_counts(gpu: str | None, fits: bool) -> None:
    experiment = d8_depth_v2()
    hardware = dataclasses.replace(experiment.hardware, target="rtx_4060", title="GeForce RTX 4060 8 GB")
    record = {"attempts": [{"host": HOST | {"gpu": gpu}}]}
    reason = verdicts.other_hardware(dataclasses.replace(experiment, hardware=hardware), record)
    assert (reason is None) is fits


@pytest.mark.parametrize(("file", "values", "code"), [
    ("record.json", {"training_sha256": "0" * 64}, "other_training"),
    ("evaluation/step_020000.json", {"training_sha256": "0" * 64}, "other_training"),
    ("evaluation/step_020000.json", {"evaluation_sha256": "0" * 64}, "stale_evaluation"),
    ("evaluation/step_020000.json", {"step": 15_000}, "stale_evaluation"),
    ("checkpoints/step_020000/manifest.json", {"gpt.safetensors": "trained anew"}, "stale_evaluation")])
def test_evidence_of_something_else_gives_no_verdict(file: str, values: dict[str, Any], code: str,
                                                     tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    change(write_run(tmp_path, experiment) / file, **values)
    found = judged(tmp_path, experiment, promise("eval.composite", 0.1))[0]
    assert (found.outcome, found.reason) == ("not_valid", {"code": code})


def test_an_unfinished_run_gives_no_verdict_on_its_loss(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    write_run(tmp_path, experiment, "interrupted", 12000)
    found = judged(tmp_path, experiment, promise("valid_loss", None, 9.0))[0]
    assert (found.outcome, found.reason) == ("not_valid", {"code": "unfinished", "step": 12000, "planned": 20000})


def gained(folder: Path, experiment: Experiment, mean: float, low: float | None, high: float | None) -> None:
    path = folder / experiment.evaluation.results_file
    body = json.loads(path.read_text())
    body["gains"][0]["composite"] = {"mean": mean, "low": low, "high": high}
    path.write_text(json.dumps(body))


@pytest.mark.parametrize(("mean", "low", "high", "case", "decided", "possible"), [
    (0.07, 0.06, 0.09, "large_gain", True, ["large_gain"]),
    (0.07, 0.02, 0.12, "large_gain", False, ["small_gain", "large_gain"]),
    (0.05, 0.05, 0.05, "large_gain", True, ["large_gain"]),
    (0.01, 0.01, 0.04, "small_gain", True, ["small_gain"]),
    (-0.2, -0.3, -0.1, "no_gain", True, ["no_gain"]),
    (0.0, -0.1, 0.1, "no_gain", False, ["no_gain", "small_gain", "large_gain"])])
def test_which_scenario_came_true(mean: float, low: float, high: float, case: str, decided: bool, possible: list[str],
                                  tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    gained(write_run(tmp_path, experiment), experiment, mean, low, high)
    found = verdicts.scenario(experiment, tmp_path)
    assert found is not None and found.case is not None
    assert (found.case.name, found.decided) == (case, decided)
    assert [one.name for one in found.possible] == possible


def test_no_scenario_without_the_parents_score(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    change(write_run(tmp_path, experiment) / experiment.evaluation.results_file, gains=[])
    found = verdicts.scenario(experiment, tmp_path)
    assert found is not None and found.case is None
    assert found.reason == {"code": "no_gain_measured", "parent": "d8_depth"}


@pytest.mark.parametrize(("values", "code"), [
    ({"training_sha256": "0" * 64}, "stale_comparison"), ({"evaluation_sha256": "0" * 64}, "stale_comparison"),
    ({"models": []}, "stale_comparison")])
def test_no_scenario_from_a_comparison_of_something_else(values: dict[str, Any], code: str, tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    change(write_run(tmp_path, experiment) / experiment.evaluation.results_file, **values)
    found = verdicts.scenario(experiment, tmp_path)
    assert found is not None and found.case is None
    assert (found.measured, found.reason) == (0.07, {"code": code})


def test_a_gain_over_another_run_is_not_the_parents(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    path = write_run(tmp_path, experiment) / experiment.evaluation.results_file
    body = json.loads(path.read_text())
    change(path, gains=[body["gains"][0] | {"from": "d4_baseline"}])
    found = verdicts.scenario(experiment, tmp_path)
    assert found is not None and found.reason == {"code": "no_gain_measured", "parent": "d8_depth"}


def about(experiment: Experiment, metric: str, relative_to: str | None) -> Experiment:
    assert experiment.scenarios is not None
    scenarios = dataclasses.replace(experiment.scenarios, metric=metric, relative_to=relative_to)
    return dataclasses.replace(experiment, scenarios=scenarios)


def test_a_scenario_about_the_score_itself(tmp_path: Path) -> None:
    experiment = about(d8_depth_v2(), "eval.tab", None)
    write_run(tmp_path, experiment)
    found = verdicts.scenario(experiment, tmp_path)
    assert found is not None and found.case is not None
    assert (found.case.name, found.measured, found.decided) == ("large_gain", 0.81, True)


def test_a_gain_in_loss_is_how_far_it_fell(tmp_path: Path) -> None:
    experiment = about(d8_depth_v2(), "valid_loss", "d8_depth")
    write_run(tmp_path, experiment)
    found = verdicts.scenario(experiment, tmp_path)
    # the fixture's comparison: 1.2 - 0.74 for the parent, 1.2 - 0.81 for this run
    assert found is not None and found.measured == pytest.approx(0.07)
    assert found.case is not None and found.case.name == "large_gain"


def test_without_an_interval_nothing_is_decided(tmp_path: Path) -> None:
    experiment = d8_depth_v2()
    folder = write_run(tmp_path, experiment)
    gained(folder, experiment, 0.07, None, None)
    found = verdicts.scenario(experiment, tmp_path)
    assert found is not None and found.case is not None
    assert (found.case.name, found.decided, found.low) == ("large_gain", False, None)
