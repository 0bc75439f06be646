"""Whether what is promised can hold at all: beside the other promises, by what its metric can be, by the plan's figures."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.markdown import amount
from ..contract.metrics import Metric
from ..contract.promises import Expectation
from ..contract.record import dataclass
from ..diagnostics import Diagnostic
from ..estimate import figure
from ..lowering.bounds import metrics
from .subject import Subject

CODES = (
    entry(
        "E335",
        "Two promises that contradict each other",
        "Both are judged by the same figure of the same run, and no figure satisfies both: one of them is broken before the "
        "run begins.",
        wrong="expect: [{metric: valid_loss, at_least: 0.9}, {metric: valid_loss, at_most: 0.5}]",
        right="expect: [{metric: valid_loss, at_least: 0.5}, {metric: valid_loss, at_most: 0.9}]",
    ),
    entry(
        "E336",
        "A promise that cannot be kept",
        "The bound lies where the metric never is: a loss in nats, a time or a size below zero, a share above the whole; or "
        "below what the plan computes as the least that the run takes: its operations at the full peak of the device.",
        wrong="expect: [{metric: valid_loss, below: -5}]",
        right="expect: [{metric: valid_loss, below: 0.5}]",
    ),
    entry(
        "W337",
        "A promise that the plan expects to be broken",
        "The plan's estimate, which may be off by a tenth, is above what is promised. Change the promise, or what the figure "
        "follows from.",
        wrong="expect: [{metric: peak_memory, at_most: 1MB}]",
        right="expect: [{metric: peak_memory, at_most: 6GB}]",
    ),
)
TOLERANCE = 0.1
NEVER_NEGATIVE = ("fraction", "bytes", "seconds", "per_second")


@dataclass(frozen=True)
class Possible:
    """What a figure can be, both ends included; None is without end."""

    low: float | None
    high: float | None

    def meets(self, one: Expectation) -> bool:
        """Whether a figure can be this and keep the promise."""
        return _reaches(self.low, one.upper, one.strict_upper) and _reaches(one.lower, self.high, one.strict_lower)

    def shown(self, unit: str) -> str:
        ends = (("at least", self.low), ("at most", self.high))
        return " and ".join(f"{words} {amount(end, unit)}" for words, end in ends if end is not None)


def _reaches(low: float | None, high: float | None, strict: bool) -> bool:
    """Whether anything lies from `low` to `high`; the ends themselves do unless `strict`."""
    return low is None or high is None or low < high or low == high and not strict


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each promise of the end against its metric, the plan and the promises before it; each milestone against its metric."""
    experiment = subject.experiment
    known = metrics(experiment.training.family, tuple(suite.name for suite in experiment.evaluation.suites),
                    experiment.watching)
    promised = [(f"expect.{index}", one) for index, one in enumerate(experiment.expectations)]
    on_the_way = [(f"milestones.{index}", one.promise) for index, one in enumerate(experiment.milestones)]
    for key, one in (*promised, *on_the_way):
        possible = _of(known[one.metric]) if one.metric in known else Possible(None, None)
        if not possible.meets(one):
            yield subject.finding("E336", f"{one.metric} is always {possible.shown(one.unit)}", key, "mend the bound")
        elif key.startswith("expect."):
            yield from _by_the_plan(subject, key, one)
    for index, (key, one) in enumerate(promised):
        yield from _beside(subject, key, one, promised[:index])


def _of(metric: Metric) -> Possible:
    """What a metric can be by its unit: losses in nats or bits are those of guesses, differences of them may have any sign."""
    floored = metric.unit in NEVER_NEGATIVE or metric.unit in ("nats", "bits") and metric.better == "lower"
    return Possible(0.0 if floored else None, 1.0 if metric.unit == "fraction" else None)


def _by_the_plan(subject: Subject, key: str, one: Expectation) -> Iterator[Diagnostic]:
    computed = figure(subject.experiment.predictions, one.metric)
    if computed is None or not computed.value or one.upper is None or one.unit != computed.unit:
        return
    if computed.method in ("exact", "lower_bound"):
        if not Possible(computed.value, None).meets(one):
            yield subject.finding("E336", f"{one.metric} is at least {amount(computed.value, one.unit)}, the bound "
                                  f"{amount(one.upper, one.unit)}", key, computed.how, ["hardware.target"])
    elif one.upper * (1 + TOLERANCE) < computed.value:
        figures = {"metric": one.metric, "bound": amount(one.upper, one.unit),
                   "computed": amount(computed.value, one.unit)}
        yield subject.warning("W337", key, figures, f"{computed.method}: {computed.how}", ["hardware.target"])


def _beside(subject: Subject, key: str, one: Expectation, before: list[tuple[str, Expectation]]) -> Iterator[Diagnostic]:
    for place, other in before:
        if other.metric == one.metric and (_apart(one, other) or _apart(other, one)):
            yield subject.finding("E335", f"no {one.metric} keeps this promise and that of {place}", key,
                                  "keep one of them, or let their ranges meet", [place])
            return


def _apart(lower: Expectation, upper: Expectation) -> bool:
    """Whether one begins where the other has ended; two bounds of one promise are the business of another check."""
    return not _reaches(lower.lower, upper.upper, lower.strict_lower or upper.strict_upper)
