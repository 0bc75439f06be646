"""Whether expectations and scenarios bound metrics that exist, with bounds that can be met."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.promises import Expectation
from ..contract.quantities import duration, percent, significant, size
from ..diagnostics import Diagnostic, listing, nearest
from ..lowering.bounds import metrics
from .subject import Subject

CODES = (
    entry(
        "E332",
        "Unknown metric",
        "Expectations and scenarios bound a metric of the run, of its family, or `eval.<suite>`.",
        wrong="expect: [{metric: valid_los, below: 0.5}]",
        right="expect: [{metric: valid_loss, below: 0.5}]",
    ),
    entry(
        "E333",
        "An expectation without a bound, or with bounds that contradict each other",
        "An expectation says `at_least` or `above`, `at_most` or `below`, or `between`, one for each side, the lower one "
        "below the upper one.",
        wrong="expect: [{metric: valid_loss, at_least: 0.9, at_most: 0.5}]",
        right="expect: [{metric: valid_loss, at_least: 0.5, at_most: 0.9}]",
    ),
    entry(
        "W334",
        "An expected loss that guessing would meet",
        "A model that gives every token the same probability has the loss ln V. An upper bound at or above it is met by "
        "an untrained model.",
        wrong="expect: [{metric: valid_loss, below: 9.5}]",
        right="expect: [{metric: valid_loss, below: 2.0}]",
    ),
)
_SIDES = (("at_least", "above", "between"), ("at_most", "below", "between"))


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Metric names and bounds."""
    experiment = subject.experiment
    known = metrics(experiment.training.family, tuple(suite.name for suite in experiment.evaluation.suites),
                    experiment.watching)
    named = [(f"expect.{index}", one.metric) for index, one in enumerate(experiment.expectations)]
    if experiment.scenarios:
        named.append(("scenarios", experiment.scenarios.metric))
    for key, name in named:
        if name not in known:
            near = nearest(name, known)
            yield subject.finding("E332", f'unknown metric "{name}"', f"{key}.metric",
                                  f'did you mean "{near}"?' if near else f"there are {listing(known)}")
    for index, one in enumerate(experiment.expectations):
        if one.metric in known:
            yield from bounds(subject, one, f"expect.{index}")


def bounds(subject: Subject, one: Expectation, key: str) -> Iterator[Diagnostic]:
    """Whether the promise at a key of the spec has bounds, and such as can be met and missed."""
    said = subject.resolved.value(key)
    chance = next((f.value for f in subject.experiment.predictions.figures if f.name == "chance_loss"), None)
    show = {"fraction": percent, "bytes": size, "seconds": duration}.get(one.unit, significant)
    if any(sum(side in said for side in sides) > 1 for sides in _SIDES):
        yield subject.finding("E333", f"{one.metric} has two bounds on one side", key, "keep one of them")
    elif one.lower is None and one.upper is None:
        yield subject.finding("E333", f"{one.metric} has no bound", key,
                              "add at_least, above, at_most, below or between")
    elif one.lower is not None and one.upper is not None and one.lower >= one.upper:
        yield subject.finding("E333", f"{one.metric} cannot be at least {show(one.lower)} and at most {show(one.upper)}",
                              key, "let the lower bound be below the upper one")
    elif one.metric in ("valid_loss", "train_loss") and one.upper and chance and one.upper >= chance:
        yield subject.warning("W334", key, {"metric": one.metric, "bound": f"{one.upper:g}",
                                                          "chance": f"{chance:.3f}"}, also=["model.vocabulary"])
