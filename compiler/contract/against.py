"""The figures of "Factor by factor": an experiment and the other form of its spec in, rows of what is predicted of both out.

A row sets one figure of the other form beside this one's, with how many times as much it is. What the two forms state
differently is listed by the keys of the spec, in the template.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from . import quantities
from .experiment import Experiment
from .markdown import amount
from .promises import Prediction, Predictions
from .quantities import DASH
from .record import dataclass
from .rendering import Words

EQUAL, NOT_APART = "=", 1e-9
"""What stands for figures that are the same; summed in another order, they may be so far apart."""
DIGITS, MOST_DECIMALS = 3, 9
STAYS = {"weights": 4, "optimizer_state": 8}
"""Bytes of a parameter that AdamW trains in fp32, by part of the memory that is there at every moment. No optimizer here keeps
more of one than AdamW."""
BRIEF = 10
"""Seconds under which a time is shown with two significant digits."""


@dataclass(frozen=True)
class Row:
    """One line: what it is about, the figure of the other form, this one's, and the ratio, as Markdown."""

    label: str
    theirs: str
    ours: str
    times: str


def times(before: float | None, after: float | None) -> str:
    """How many times as much `after` is: `=` where they are the same, a dash where it cannot be said.

    Three digits, and more where what differs would else be called once as much: `× 1.00006`.
    """
    if before is None or after is None or (not before and after):
        return DASH
    if math.isclose(before, after, rel_tol=NOT_APART):
        return EQUAL
    ratio = after / before
    if float(f"{ratio:.{DIGITS}g}") == 1:
        decimals = min(math.ceil(-math.log10(abs(ratio - 1))), MOST_DECIMALS)
        return "× " + f"{ratio:.{decimals}f}".rstrip("0")
    return f"× {quantities.significant(ratio, DIGITS)}"


def rows(experiment: Experiment, words: Words) -> tuple[Row, ...]:
    """Parts of each kind from the largest down, then single figures. Empty where there is no other form."""
    if experiment.against is None:
        return ()
    theirs, ours = experiment.against.predictions, experiment.predictions
    kinds: tuple[tuple[str, str, Callable[[Predictions], Mapping[str, float]], Callable[[float | None], str]], ...] = (
        ("against.parameters", "module", lambda one: one.parameters, lambda count: amount(count, "number")),
        ("against.memory", "memory", lambda one: one.memory, quantities.size),
        ("against.stays", "module", stays, quantities.size),
        ("against.operations", "module", lambda one: one.operations, lambda count: amount(count, "number")),
        ("against.time", "module", seconds, _brief),
    )
    made: list[Row] = []
    for key, kind, of, shown in kinds:
        before, after = of(theirs), of(ours)
        bounds = [_bound(_figure(one, "train_time")) if of is seconds else "" for one in (theirs, ours)]
        for name in _largest_first(before, after):
            said = (bounds[0] + shown(before.get(name)), bounds[1] + shown(after.get(name)))
            made.append(Row(words(key, part=words.label(kind, name)), *said, times(before.get(name), after.get(name))))
    return (*made, *_single(theirs, ours, words))


def stays(predicted: Predictions) -> dict[str, int]:
    """Bytes by module that weights and optimizer state take throughout; empty where it is not known by module.

    It is known where the parts add up to what AdamW takes for every parameter in fp32: then each takes the same.
    """
    total = sum(predicted.parameters.values())
    if any(predicted.memory.get(part) != each * total for part, each in STAYS.items()):
        return {}
    return {name: sum(STAYS.values()) * count for name, count in predicted.parameters.items()}


def seconds(predicted: Predictions) -> dict[str, float]:
    """The predicted time of the training by module, in proportion to the operations; empty where either is not known."""
    whole, operations = _figure(predicted, "train_time"), sum(predicted.operations.values())
    if whole is None or whole.value is None:
        return {}
    return {name: whole.value * (count / operations) for name, count in predicted.operations.items()}


def _largest_first(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """The names of both, by this form's figure; what only the other one has stands last."""
    return sorted({**after, **before}, key=lambda name: (-after.get(name, -1), name))


def _single(theirs: Predictions, ours: Predictions, words: Words) -> Iterator[Row]:
    for one in ours.figures:
        if (other := _figure(theirs, one.name)) is not None:
            said = [_bound(figure) + amount(figure.value, figure.unit) for figure in (other, one)]
            yield Row(f"**{words.label('metric', one.name)}**", said[0], said[1], times(other.value, one.value))


def _figure(predicted: Predictions, name: str) -> Prediction | None:
    return next((one for one in predicted.figures if one.name == name), None)


def _bound(figure: Prediction | None) -> str:
    return "≥ " if figure is not None and figure.method == "lower_bound" and figure.value is not None else ""


def _brief(value: float | None) -> str:
    return quantities.duration(value) if value is None or value >= BRIEF else f"{quantities.significant(value, 2)} s"
