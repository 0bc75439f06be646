"""What was promised on the way against what was measured there: milestones and evidence in, verdicts out.

A milestone `by` a step is met by the first measurement up to it that keeps the promise; one `at` a step by that step's
alone. What lies ahead is pending, what was not measured is never zero.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import Milestone
from expc.compiler.contract.promises import Expectation
from expc.compiler.contract.snapshot import training_sha256

from .journal import event, read_lines
from .progress import say
from .verdicts import LAST_UPDATES, Evidence, holds

Outcome = Literal["met", "missed", "pending", "not_measured", "not_valid"]


@dataclass(frozen=True)
class MilestoneVerdict:
    """A milestone against its measurement: the one that met it, or the one that came nearest, and its step."""

    milestone: Milestone
    measured: float | None
    step: int | None
    outcome: Outcome


def milestones(experiment: Experiment, evidence: Evidence) -> tuple[MilestoneVerdict, ...]:
    """A verdict on every milestone."""
    return tuple(_judge(experiment, evidence, one) for one in experiment.milestones)


def announce(experiment: Experiment, folder: Path, step: int) -> None:
    """Says of every milestone that is decided at this step how, once: a line for people, and an event of the run.

    What an attempt before this one has said is not said again, unless it has turned out otherwise since.
    """
    said = {line.get("milestone"): line for line in read_lines(folder / "events.jsonl") if line.get("event") == "milestone"}
    evidence = Evidence({"step": step}, list(read_lines(folder / "metrics.jsonl")), {}, {}, None)
    for verdict in milestones(experiment, evidence):
        facts = {"milestone": _name(verdict.milestone), "outcome": verdict.outcome, "measured": verdict.measured,
                 "measured_at": verdict.step}
        if verdict.outcome == "pending" or facts.items() <= said.get(facts["milestone"], {}).items():
            continue
        event(folder, "milestone", step=step, **facts)
        value = "" if verdict.measured is None else f" ({verdict.measured:.6g} at step {verdict.step:,})"
        say(f"milestone {facts['milestone']}: {verdict.outcome.replace('_', ' ')}{value}", clear=sys.stderr.isatty())


def _name(one: Milestone) -> str:
    """`valid_loss <= 3 by step 1,000`."""
    promise = one.promise
    bounds = [f"{'>' if promise.strict_lower else '>='} {promise.lower:g}" if promise.lower is not None else "",
              f"{'<' if promise.strict_upper else '<='} {promise.upper:g}" if promise.upper is not None else ""]
    return f"{promise.metric} {' and '.join(filter(None, bounds))} {'at' if one.exactly else 'by'} step {one.step:,}"


def _judge(experiment: Experiment, evidence: Evidence, one: Milestone) -> MilestoneVerdict:
    reached = evidence.record.get("step") or 0
    found = _measurements(evidence.lines, one, experiment.training.start, reached)
    kept = [(step, value) for step, value in found if holds(one.promise, value)]
    nearest = sorted(found, key=lambda pair: _distance(one.promise, pair[1]))
    step, value = next(iter(kept or nearest), (None, None))
    if evidence.record.get("training_sha256") not in (None, training_sha256(experiment.training)):
        return MilestoneVerdict(one, value, step, "not_valid")
    if kept:
        return MilestoneVerdict(one, value, step, "met")
    if reached < one.step:
        return MilestoneVerdict(one, value, step, "pending")
    return MilestoneVerdict(one, value, step, "missed" if found else "not_measured")


def _measurements(lines: list[dict[str, Any]], one: Milestone, first: int, reached: int) -> list[tuple[int, float]]:
    """(step, value) of what counts for a milestone, in order."""
    if one.promise.metric == "train_loss":
        losses = [line["loss"] for line in lines
                  if line.get("kind") == "train" and one.step - LAST_UPDATES < line["step"] <= one.step]
        return [(one.step, sum(losses) / len(losses))] if losses and reached >= one.step else []
    measured = [(line["step"], line[one.promise.metric]) for line in lines
                if line.get("kind") == "valid" and line.get(one.promise.metric) is not None]
    return [pair for pair in measured if pair[0] == one.step or (first < pair[0] < one.step and not one.exactly)]


def _distance(promise: Expectation, value: float) -> float:
    """How far a value lies outside of the bounds."""
    below = promise.lower - value if promise.lower is not None else 0.0
    above = value - promise.upper if promise.upper is not None else 0.0
    return max(below, above, 0.0)
