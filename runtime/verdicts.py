"""What was promised against what was measured: expectations and scenarios in, verdicts out.

No verdict from evidence that does not match the plan: another training, another step, other suites, other hardware. Such a
verdict is `not_valid` and says why. What was not measured is `not_measured`, never zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Expectation, Scenario
from expc.compiler.contract.snapshot import training_sha256

from .evals import evaluation_sha256, result_path
from .files import read_json
from .journal import read_lines
from .workspace import run_folder

LAST_UPDATES = 100
"""The training loss is the mean over so many of the last updates."""

Outcome = Literal["met", "missed", "not_valid", "not_measured"]
Reason = dict[str, Any]
"""A code and its figures; the words are in `templates/words`."""


@dataclass(frozen=True)
class Verdict:
    """One expectation against its measurement."""

    expectation: Expectation
    measured: float | None
    outcome: Outcome
    reason: Reason | None


@dataclass(frozen=True)
class ScenarioVerdict:
    """The case that holds the measured mean. `decided`: its whole 95 % interval lies in that case; else `possible` names all."""

    case: Scenario | None
    measured: float | None
    low: float | None
    high: float | None
    decided: bool
    possible: tuple[Scenario, ...]
    reason: Reason | None


@dataclass(frozen=True)
class Evidence:
    """What a run left behind, read once."""

    record: dict[str, Any]
    lines: list[dict[str, Any]]
    evaluation: dict[str, Any]
    comparison: dict[str, Any]


def gather(experiment: Experiment, workspace: Path) -> Evidence:
    """Record, metrics, the evaluation of the planned step, and the comparison; empty where there is none."""
    folder = run_folder(workspace, experiment.run)
    return Evidence(read_json(folder / "record.json") or {}, list(read_lines(folder / "metrics.jsonl")),
                    read_json(result_path(workspace, experiment.run, experiment.training.steps)) or {},
                    read_json(folder / experiment.evaluation.results_file) or {})


def verdicts(experiment: Experiment, workspace: Path) -> tuple[Verdict, ...]:
    """A verdict on every expectation."""
    evidence = gather(experiment, workspace)
    return tuple(judge(experiment, evidence, one) for one in experiment.expectations)


def judge(experiment: Experiment, evidence: Evidence, promise: Expectation) -> Verdict:
    """One expectation against the evidence."""
    measured = measure(experiment, evidence, promise.metric)
    if measured is None:
        return Verdict(promise, None, "not_measured", {"code": "not_measured"})
    reason = _unfit(experiment, evidence, promise.metric)
    if reason:
        return Verdict(promise, measured, "not_valid", reason)
    return Verdict(promise, measured, "met" if holds(promise, measured) else "missed", None)


def holds(promise: Expectation, value: float) -> bool:
    """Whether a value lies within the promised bounds."""
    above = promise.lower is None or (value > promise.lower if promise.strict_lower else value >= promise.lower)
    below = promise.upper is None or (value < promise.upper if promise.strict_upper else value <= promise.upper)
    return above and below


def measure(experiment: Experiment, evidence: Evidence, metric: str) -> float | None:
    """The measured value of a metric in base units; None where there is none."""
    if metric == "eval.composite":
        return (evidence.evaluation.get("composite") or {}).get("mean")
    if metric.startswith("eval."):
        suite = (evidence.evaluation.get("suites") or {}).get(metric.removeprefix("eval.")) or {}
        return (suite.get("score") or {}).get("mean")
    if metric == "train_loss":
        losses = [line["loss"] for line in evidence.lines if line.get("kind") == "train"][-LAST_UPDATES:]
        return sum(losses) / len(losses) if losses else None
    in_record = {"peak_memory": "peak_memory", "train_time": "train_seconds", "tokens_per_second": "tokens_per_second"}
    if metric in in_record:
        return evidence.record.get(in_record[metric])
    last = [line for line in evidence.lines if line.get("kind") == "valid"]
    return last[-1].get(metric) if last else None


def _unfit(experiment: Experiment, evidence: Evidence, metric: str) -> Reason | None:
    """Why the evidence does not match the plan; None where it does."""
    identity, planned = training_sha256(experiment.training), experiment.training.steps
    if evidence.record.get("training_sha256") != identity:
        return {"code": "other_training"}
    if metric.startswith("eval."):
        if evidence.evaluation.get("training_sha256") != identity:
            return {"code": "other_training"}
        if evidence.evaluation.get("evaluation_sha256") != evaluation_sha256(experiment):
            return {"code": "stale_evaluation"}
        return None
    if evidence.record.get("step") != planned:
        return {"code": "unfinished", "step": evidence.record.get("step") or 0, "planned": planned}
    if metric in ("peak_memory", "train_time", "tokens_per_second"):
        return other_hardware(experiment, evidence.record)
    lines = [line for line in evidence.lines if line.get("kind") in ("valid", "train")]
    if lines and lines[-1]["step"] != planned:
        return {"code": "unfinished", "step": lines[-1]["step"], "planned": planned}
    return None


def other_hardware(experiment: Experiment, record: dict[str, Any]) -> Reason | None:
    """Memory, time and speed say something about the machine that they were measured on, and about no other."""
    host = (record.get("attempts") or [{}])[-1].get("host") or {}
    machine = host.get("gpu") or "CPU"
    wanted = experiment.hardware.title
    fits = machine == "CPU" if experiment.hardware.target == "cpu" else _same_device(wanted, machine)
    return None if fits else {"code": "other_hardware", "machine": machine, "target": wanted}


def _same_device(title: str, machine: str) -> bool:
    """Whether a driver's name ("NVIDIA GeForce RTX 4060") is the catalogue's device ("GeForce RTX 4060 8 GB").

    Every word of the model has to be there, no word of a sibling model may be, and a memory size, if one is given, agrees.
    In doubt it is another device: a verdict that is not given misleads nobody.
    """
    model, memory = re.fullmatch(r"(.*?)(?: (\d+) GB)?", title).groups()  # type: ignore[union-attr]
    words = re.split(r"[ -]", machine.removeprefix("NVIDIA "))
    sizes = [word.removesuffix("GB") for word in words if re.fullmatch(r"\d+GB", word)]
    siblings = {"Ti", "SUPER", "Laptop", "Max", "Q", "D"} & set(words)
    return set(model.split(" ")) <= set(words) and not siblings and all(size == memory for size in sizes)


def scenario(experiment: Experiment, workspace: Path) -> ScenarioVerdict | None:
    """Which scenario came true; None where the experiment has none."""
    scenarios = experiment.scenarios
    if not scenarios:
        return None
    evidence = gather(experiment, workspace)
    reason = _unfit(experiment, evidence, scenarios.metric)
    interval = _gain(evidence, scenarios.metric) if scenarios.relative_to else _value(experiment, evidence, scenarios.metric)
    if interval is None:
        missing = {"code": "no_gain_measured", "parent": scenarios.relative_to or ""}
        return ScenarioVerdict(None, None, None, None, False, (), missing if scenarios.relative_to else {"code": "not_measured"})
    mean, low, high = interval
    if reason:
        return ScenarioVerdict(None, mean, low, high, False, (), reason)
    case = next((one for one in scenarios.cases if _inside(one, mean)), None)
    possible = tuple(one for one in scenarios.cases if _overlaps(one, low, high) or one is case)
    return ScenarioVerdict(case, mean, low, high, len(possible) == 1, possible, None)


def _gain(evidence: Evidence, metric: str) -> tuple[float, float, float] | None:
    gains = evidence.comparison.get("gains") or []
    if not gains:
        return None
    suites = gains[0].get("suites") or {}
    found = gains[0].get("composite") if metric == "eval.composite" else suites.get(metric.removeprefix("eval."))
    return (found["mean"], found["low"], found["high"]) if found else None


def _value(experiment: Experiment, evidence: Evidence, metric: str) -> tuple[float, float, float] | None:
    value = measure(experiment, evidence, metric)
    if value is None:
        return None
    found = evidence.evaluation.get("composite") if metric == "eval.composite" else None
    return (value, found["low"], found["high"]) if found else (value, value, value)


def _inside(case: Scenario, value: float) -> bool:
    return (case.lower is None or value >= case.lower) and (case.upper is None or value < case.upper)


def _overlaps(case: Scenario, low: float, high: float) -> bool:
    return (case.lower is None or high >= case.lower) and (case.upper is None or low < case.upper)
