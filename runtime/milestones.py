"""What was promised on the way against what was measured there: milestones and lines of the journal in, verdicts out.

A milestone `by` a step is met by the first measurement up to it that keeps the promise; one `at` a step by that step's
alone. What lies ahead is pending, what was not measured is never zero. Of each milestone a few numbers are kept, however
long the run is.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import Milestone
from expc.compiler.contract.promises import Expectation
from expc.compiler.contract.snapshot import training_sha256

from .journal import event, read_lines
from .live.tail import Tail
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
    tallies = [Tally(one, experiment.training.start) for one in experiment.milestones]
    for line in evidence.lines:
        for tally in tallies:
            tally.take(line)
    ours = evidence.record.get("training_sha256") in (None, training_sha256(experiment.training))
    return tuple(tally.verdict(evidence.record.get("step") or 0, ours) for tally in tallies)


class Tally:
    """What a milestone is judged by, line after line of the journal: the nearest measurement, or a sum of losses."""

    def __init__(self, milestone: Milestone, first: int) -> None:
        """`first` is the step that the run begins at: what is measured there is its parent's."""
        self.milestone, self.first = milestone, first
        self._nearest: tuple[float, int, float] | None = None
        """How far it lies outside of the bounds (below zero: within them), its step, its value."""
        self._sum, self._count = 0.0, 0

    def take(self, line: Mapping[str, Any]) -> None:
        """One line of the journal."""
        one, kind, step = self.milestone, line.get("kind"), line.get("step")
        name = "loss" if one.promise.metric == "train_loss" else one.promise.metric
        value = line.get(name)
        if not isinstance(step, int) or value is None or kind != ("train" if name == "loss" else "valid"):
            return
        if name == "loss":
            if one.step - LAST_UPDATES < step <= one.step:
                self._sum, self._count = self._sum + value, self._count + 1
        elif step == one.step or (self.first < step < one.step and not one.exactly):
            found = (-1.0 if holds(one.promise, value) else _distance(one.promise, value), step, value)
            if self._nearest is None or found[0] < self._nearest[0]:
                self._nearest = found

    def verdict(self, reached: int, ours: bool = True) -> MilestoneVerdict:
        """How it stands when everything up to a step has come in; `ours`: all that was of this training."""
        one = self.milestone
        step, value = self._nearest[1:] if self._nearest else (None, None)
        if self._count and reached >= one.step:
            step, value = one.step, self._sum / self._count
        if not ours:
            return MilestoneVerdict(one, value, step, "not_valid")
        if value is not None and holds(one.promise, value):
            return MilestoneVerdict(one, value, step, "met")
        if reached < one.step:
            return MilestoneVerdict(one, value, step, "pending")
        return MilestoneVerdict(one, value, step, "not_measured" if value is None else "missed")


class Announcer:
    """Says of every milestone how it was decided, once: a line for people, and an event of the run.

    What an attempt before this one has said is not said again, unless it has turned out otherwise since. Of the journal only
    what has come to it is read, or all of it again where a part was taken back.
    """

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self.experiment, self.folder = experiment, folder
        self._journal, self._tallies = Tail(folder / "metrics.jsonl", b"", samples=False), list[Tally]()
        self._said: dict[Any, dict[str, Any]] = {}
        if experiment.milestones:
            self._said = {line.get("milestone"): line for line in read_lines(folder / "events.jsonl")
                          if line.get("event") == "milestone"}

    def announce(self, step: int, settled: int | None = None) -> None:
        """To be called at a step whose figures are in the journal's file; `settled`: up to where nothing more can come."""
        self._read()
        for tally in self._tallies:
            verdict = tally.verdict(step if settled is None else settled)
            facts = {"milestone": _name(verdict.milestone), "outcome": verdict.outcome, "measured": verdict.measured,
                     "measured_at": verdict.step}
            if verdict.outcome == "pending" or facts.items() <= self._said.get(facts["milestone"], {}).items():
                continue
            self._said[facts["milestone"]] = facts
            event(self.folder, "milestone", step=step, **facts)
            value = "" if verdict.measured is None else f" ({verdict.measured:.6g} at step {verdict.step:,})"
            say(f"milestone {facts['milestone']}: {verdict.outcome.replace('_', ' ')}{value}", clear=sys.stderr.isatty())

    def _read(self) -> None:
        lines = self._journal.read()
        if self._journal.restarted:
            self._tallies = [Tally(one, self.experiment.training.start) for one in self.experiment.milestones]
        for line in lines:
            for tally in self._tallies:
                tally.take(line)

    def close(self) -> None:
        """Lets go of the journal."""
        self._journal.close()


def _name(one: Milestone) -> str:
    """`valid_loss <= 3 by step 1,000`."""
    promise = one.promise
    bounds = [f"{'>' if promise.strict_lower else '>='} {promise.lower:g}" if promise.lower is not None else "",
              f"{'<' if promise.strict_upper else '<='} {promise.upper:g}" if promise.upper is not None else ""]
    return f"{promise.metric} {' and '.join(filter(None, bounds))} {'at' if one.exactly else 'by'} step {one.step:,}"


def _distance(promise: Expectation, value: float) -> float:
    """How far a value lies outside of the bounds."""
    below = promise.lower - value if promise.lower is not None else 0.0
    above = value - promise.upper if promise.upper is not None else 0.0
    return max(below, above, 0.0)
