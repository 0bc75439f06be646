"""What was promised against what was measured: expectations and scenarios in, verdicts out.

No verdict from evidence that does not match the plan: another training, another step, another checkpoint, other suites,
other hardware. Such a verdict is `not_valid` and says why. What was not measured is `not_measured`, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Expectation, Scenario
from expc.compiler.contract.snapshot import training_sha256

from .evals import result_path
from .evals.results import checkpoint_sha256, evaluation_sha256, why_unfit
from .files import read_json
from .journal import read_lines
from .workspace import run_folder

LAST_UPDATES = 100
"""The training loss is the mean over what was logged of so many last updates."""

Outcome = Literal["met", "missed", "not_valid", "not_measured"]
Reason = dict[str, Any]
"""A code and its figures; the words are in `templates/words`."""


@dataclass(frozen=True)
class Verdict:
    """One expectation against its measurement. `reason`: why there is no verdict, or how the figure was got."""

    expectation: Expectation
    measured: float | None
    outcome: Outcome
    reason: Reason | None


@dataclass(frozen=True)
class ScenarioVerdict:
    """The case that holds the measured mean.

    `decided`: its whole 95 % interval (`low` to `high`, None where there is none) lies in that case; `possible` names
    all cases that the interval touches.
    """

    case: Scenario | None
    measured: float | None
    low: float | None
    high: float | None
    decided: bool
    possible: tuple[Scenario, ...]
    reason: Reason | None


@dataclass(frozen=True)
class Evidence:
    """What a run left behind, read once; `checkpoint` is the identity of the planned step's, as it lies there now."""

    record: dict[str, Any]
    lines: list[dict[str, Any]]
    evaluation: dict[str, Any]
    comparison: dict[str, Any]
    checkpoint: str | None


def gather(experiment: Experiment, workspace: Path) -> Evidence:
    """Record, metrics, the evaluation of the planned step, and the comparison; empty where there is none."""
    folder, run, planned = run_folder(workspace, experiment.run), experiment.run, experiment.training.steps
    return Evidence(read_json(folder / "record.json") or {}, list(read_lines(folder / "metrics.jsonl")),
                    read_json(result_path(workspace, run, planned)) or {},
                    read_json(folder / experiment.evaluation.results_file) or {},
                    checkpoint_sha256(workspace, run, planned))


def verdicts(experiment: Experiment, workspace: Path) -> tuple[Verdict, ...]:
    """A verdict on every expectation."""
    evidence = gather(experiment, workspace)
    return tuple(judge(experiment, evidence, one) for one in experiment.expectations)


def judge(experiment: Experiment, evidence: Evidence, promise: Expectation) -> Verdict:
    """One expectation against the evidence."""
    measured = measure(experiment, evidence, promise.metric)
    if measured is None:
        return Verdict(promise, None, "not_measured", {"code": "not_measured"})
    if reason := unfit(experiment, evidence, promise.metric):
        return Verdict(promise, measured, "not_valid", reason)
    return Verdict(promise, measured, "met" if holds(promise, measured) else "missed", _how(evidence, promise.metric))


def holds(promise: Expectation, value: float) -> bool:
    """Whether a value lies within the promised bounds."""
    above = promise.lower is None or (value > promise.lower if promise.strict_lower else value >= promise.lower)
    below = promise.upper is None or (value < promise.upper if promise.strict_upper else value <= promise.upper)
    return above and below


def measure(experiment: Experiment, evidence: Evidence, metric: str) -> float | None:
    """The measured value of a metric in base units; None where there is none."""
    if metric.startswith("eval."):
        return (_score(evidence.evaluation, metric) or {}).get("mean")
    if _evaluated(experiment, metric):
        return ((evidence.evaluation.get("findings") or {}).get("measured") or {}).get(metric)
    if metric == "train_loss":
        last = evidence.record.get("step") or 0
        losses = [line["loss"] for line in evidence.lines
                  if line.get("kind") == "train" and last - LAST_UPDATES < line["step"] <= last
                  and line.get("loss") is not None]
        return sum(losses) / len(losses) if losses else None
    in_record = {"peak_memory": "peak_memory", "train_time": "train_seconds", "tokens_per_second": "tokens_per_second"}
    if metric in in_record:
        return evidence.record.get(in_record[metric])
    line = _last_line(evidence, metric)
    return line.get(metric) if line else None


def _evaluated(experiment: Experiment, metric: str) -> bool:
    """Whether the family's own evaluation measures it."""
    return any(one.name == metric for one in experiment.evaluation.measures)


def _score(evaluation: Mapping[str, Any], metric: str) -> dict[str, Any] | None:
    """Mean and interval of `eval.composite` or `eval.<suite>`."""
    if metric == "eval.composite":
        return evaluation.get("composite")
    return ((evaluation.get("suites") or {}).get(metric.removeprefix("eval.")) or {}).get("score")


def _last_line(evidence: Evidence, metric: str) -> dict[str, Any] | None:
    """The last validation, or for a figure that none of them has, the last line of training that has it."""
    last: dict[str, Any] | None = next((line for line in reversed(evidence.lines) if line.get("kind") == "valid"), None)
    if last and metric in last:
        return last
    return next((line for line in reversed(evidence.lines) if line.get("kind") == "train" and metric in line), last)


def _how(evidence: Evidence, metric: str) -> Reason | None:
    """How a figure was got, where its name does not say it."""
    if metric == "train_loss":
        return {"code": "mean_of_updates", "updates": LAST_UPDATES}
    resident = metric == "peak_memory" and "resident" in str(evidence.record.get("peak_memory_how"))
    return {"code": "resident_memory"} if resident else None


def unfit(experiment: Experiment, evidence: Evidence, metric: str) -> Reason | None:
    """Why the evidence for a metric does not match the plan; None where it does."""
    planned = experiment.training.steps
    if evidence.record.get("training_sha256") != training_sha256(experiment.training):
        return {"code": "other_training"}
    if metric.startswith("eval.") or _evaluated(experiment, metric):
        code = why_unfit(experiment, evidence.evaluation, planned, evidence.checkpoint)
        return {"code": code} if code else None
    if (evidence.record.get("step") or 0) != planned:
        return {"code": "unfinished", "step": evidence.record.get("step") or 0, "planned": planned}
    if metric in ("peak_memory", "train_time", "tokens_per_second"):
        return other_hardware(experiment, evidence.record)
    line = _last_line(evidence, metric)
    if metric != "train_loss" and line and line["step"] != planned:
        return {"code": "unfinished", "step": line["step"], "planned": planned}
    return None


def other_hardware(experiment: Experiment, record: Mapping[str, Any]) -> Reason | None:
    """Memory, time and speed say something about the machine that they were measured on, and about no other.

    A run that went on elsewhere was measured on all the machines that it ran on.
    """
    hosts = [attempt.get("host") or {} for attempt in record.get("attempts") or [{}]]
    machines = list(dict.fromkeys(host.get("gpu") or "CPU" for host in hosts))
    wanted, on_cpu = experiment.hardware.title, experiment.hardware.target == "cpu"
    others = [one for one in machines if not (one == "CPU" if on_cpu else _same_device(wanted, one))]
    return {"code": "other_hardware", "machine": ", ".join(others), "target": wanted} if others else None


def _same_device(title: str, machine: str) -> bool:
    """Whether a driver's name ("NVIDIA GeForce RTX 4060") is the catalogue's device ("GeForce RTX 4060 8 GB").

    Every word of the model has to be there, no word of a sibling model may be, and a memory size, if one is given,
    agrees. In doubt it is another device: a verdict that is not given misleads nobody.
    """
    model, _, memory = title.removesuffix(" GB").rpartition(" ") if title.endswith(" GB") else (title, "", "")
    words = re.split(r"[ -]", machine.removeprefix("NVIDIA "))
    sizes = [word.removesuffix("GB") for word in words if re.fullmatch(r"\d+GB", word)]
    siblings = {"Ti", "SUPER", "Laptop", "Max", "Q", "D"} & set(words)
    return set(model.split(" ")) <= set(words) and not siblings and all(size == memory for size in sizes)


def scenario(experiment: Experiment, workspace: Path) -> ScenarioVerdict | None:
    """Which scenario came true; None where the experiment has none."""
    scenarios = experiment.scenarios
    return scenario_verdict(experiment, gather(experiment, workspace)) if scenarios else None


def scenario_verdict(experiment: Experiment, evidence: Evidence) -> ScenarioVerdict:
    """The case that holds the measured value, or the measured gain over the parent, and how sure that is."""
    scenarios = experiment.scenarios
    assert scenarios is not None
    if scenarios.relative_to:
        found = _gain(experiment, evidence, scenarios.metric, scenarios.relative_to)
        missing: Reason = {"code": "no_gain_measured", "parent": scenarios.relative_to}
    else:
        found, missing = _value(experiment, evidence, scenarios.metric), {"code": "not_measured"}
    if found is None:
        return ScenarioVerdict(None, None, None, None, False, (), missing)
    mean, low, high = found["mean"], found["low"], found["high"]
    reason = unfit(experiment, evidence, scenarios.metric)
    if reason is None and scenarios.relative_to:
        reason = _stale_comparison(experiment, evidence)
    if reason:
        return ScenarioVerdict(None, mean, low, high, False, (), reason)
    ends = (mean if low is None else low, mean if high is None else high)
    case = next((one for one in scenarios.cases if _inside(one, mean)), None)
    possible = tuple(one for one in scenarios.cases if one is case or _overlaps(one, *ends))
    whole = experiment.watching is not None or (low is not None and high is not None)  # a program's score is one figure
    decided = whole and len(possible) == 1
    return ScenarioVerdict(case, mean, low, high, decided, possible, None)


def _stale_comparison(experiment: Experiment, evidence: Evidence) -> Reason | None:
    """The comparison has to be of this training, these suites and the checkpoint that was evaluated last."""
    found = evidence.comparison
    own: Mapping[str, Any] = next((row for row in found.get("models") or () if row["run"] == experiment.run), {})
    same = (found.get("training_sha256") == training_sha256(experiment.training)
            and found.get("evaluation_sha256") == evaluation_sha256(experiment)
            and own.get("checkpoint_sha256") == evidence.evaluation.get("checkpoint_sha256"))
    return None if same else {"code": "stale_comparison"}


def _gain(experiment: Experiment, evidence: Evidence, metric: str, parent: str) -> dict[str, Any] | None:
    """Gain with its interval of a score over the parent's, or without one the fall of a held-out loss."""
    if metric.startswith("eval."):
        said = evidence.comparison.get("gains") or ()
        gain: dict[str, Any] = next((one for one in said if (one["from"], one["to"]) == (parent, experiment.run)), {})
        suites = {name: {"score": of_suite} for name, of_suite in (gain.get("suites") or {}).items()}
        return _score({**gain, "suites": suites}, metric)
    rows = {row["run"]: row for row in evidence.comparison.get("models") or ()}
    before, after = ((rows.get(run) or {}).get(metric) for run in (parent, experiment.run))
    fits = experiment.training.resume and (rows.get(parent) or {}).get("step") == experiment.training.resume.step
    if before is None or after is None or not fits:
        return None
    return dict.fromkeys(("mean", "low", "high"), before - after)


def _value(experiment: Experiment, evidence: Evidence, metric: str) -> dict[str, Any] | None:
    if metric.startswith("eval."):
        return _score(evidence.evaluation, metric)
    value = measure(experiment, evidence, metric)
    return None if value is None else dict.fromkeys(("mean", "low", "high"), value)


def _inside(case: Scenario, value: float) -> bool:
    return (case.lower is None or value >= case.lower) and (case.upper is None or value < case.upper)


def _overlaps(case: Scenario, low: float, high: float) -> bool:
    return (case.lower is None or high >= case.lower) and (case.upper is None or low < case.upper)
