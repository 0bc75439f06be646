"""Whether a condition makes sense: every name is a metric, units fit one another, spans fit what they count.

A plain number goes with losses, rates, counts and shares; sizes and times need their units, and never meet. Products
take plain numbers and shares, quotients also two values of one unit.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..metrics import Signal
from .syntax import Comparison, Condition, Event, Finite, NoImprovement, walk
from .values import SIZES, TIMES, Absolute, Arithmetic, ConditionError, Name, Negative, Number, UnknownMetric, Value, Window

SAID = {"nats": "nats", "bits": "bits", "fraction": "a share", "bytes": "a size", "seconds": "a time",
        "per_second": "a rate per second", "number": "a plain number", "dB": "decibels"}
EXAMPLES = {"bytes": "6GB", "seconds": "10m"}
PLAIN = ("number", "fraction")


def check(condition: Condition, known: Mapping[str, Signal]) -> None:
    """Raises `ConditionError` for the first thing that makes no sense, `UnknownMetric` for a name that nobody knows."""
    for part in walk(condition):
        if isinstance(part, Event) and part is not condition:
            raise ConditionError(f"`{part}` has to stand alone: it is watched outside of the updates", part.column)
        if isinstance(part, Comparison):
            _comparison(part, known)
        elif isinstance(part, Finite):
            unit_of(part.value, known)
        elif isinstance(part, NoImprovement):
            _improvement(part, known)


def unit_of(value: Value, known: Mapping[str, Signal]) -> str:
    """The unit of a value. Raises `ConditionError`."""
    if isinstance(value, Number):
        return "fraction" if value.suffix == "%" else "seconds" if value.suffix in TIMES else (
            "bytes" if value.suffix in SIZES else "number")
    if isinstance(value, Name):
        return _signal(value, known).metric.unit
    if isinstance(value, Window):
        return _window(value, known)
    if isinstance(value, (Absolute, Negative)):
        return unit_of(value.value, known)
    return _arithmetic(value, known)


def _signal(name: Name, known: Mapping[str, Signal]) -> Signal:
    if name.name not in known:
        raise UnknownMetric(name.name, name.column)
    return known[name.name]


def _window(window: Window, known: Mapping[str, Signal]) -> str:
    unit, wanted = unit_of(window.value, known), window.span.unit.removesuffix("s")
    names = [part for part in walk(window.value) if isinstance(part, Name)]
    if not names:
        raise ConditionError(f"`{window.value}` is no metric, and never changes", window.column)
    for name in names:
        at = known[name.name].at
        if at != wanted:
            when = "at validations" if at == "validation" else "after every step"
            raise ConditionError(f"{name} is measured {when}; count the window in {at}s", window.span.column)
    return unit


def _arithmetic(value: Arithmetic, known: Mapping[str, Signal]) -> str:
    left, right = unit_of(value.left, known), unit_of(value.right, known)
    if value.operator in "+-":
        return _common(value, left, right, "added to" if value.operator == "+" else "subtracted from")
    if right in PLAIN:
        return left
    if value.operator == "*" and left in PLAIN:
        return right
    if value.operator == "/" and left == right:
        return "number"
    verb = "multiplied" if value.operator == "*" else "divided"
    raise ConditionError(f"{SAID[left]} cannot be {verb} by {SAID[right]} (`{value}`)", value.column)


def _common(part: Arithmetic | Comparison, left: str, right: str, verb: str) -> str:
    """The unit of two sides that have to agree."""
    if left == right:
        return left
    if "number" in (left, right):
        other, side = (right, part.left) if left == "number" else (left, part.right)
        if other not in EXAMPLES:
            return other
        if isinstance(side, Number):
            raise ConditionError(f"{side} needs a unit here, such as {EXAMPLES[other]}", side.column)
    raise ConditionError(f"{SAID[right]} cannot be {verb} {SAID[left]} (`{part}`)" if verb != "compared with" else
                         f"{SAID[left]} cannot be compared with {SAID[right]} (`{part}`)", part.column)


def _comparison(part: Comparison, known: Mapping[str, Signal]) -> None:
    left, right = unit_of(part.left, known), unit_of(part.right, known)
    _common(part, left, right, "compared with")
    for side, other in ((part.left, right), (part.right, left)):
        if isinstance(side, Number) and other == "fraction" and not side.suffix and side.amount > 1:
            raise ConditionError(f"a share is at most 1: write {side}% or a number up to 1", side.column)
    if not any(isinstance(inner, Name) for inner in walk(part)):
        raise ConditionError(f"`{part}` reads no metric, and never changes", part.column)


def _improvement(part: NoImprovement, known: Mapping[str, Signal]) -> None:
    metric = _signal(part.metric, known).metric
    if metric.better is None:
        raise ConditionError(f"nobody can say which way {metric.name} gets better", part.metric.column)
    if part.by:
        _common(Comparison(">", part.metric, part.by), metric.unit, unit_of(part.by, known), "compared with")
