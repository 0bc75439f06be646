"""Values of a condition while a run goes on: a moment in, a number out, or None where something is not known yet.

Numbers follow IEEE 754: a division by zero is infinite or NaN, never an error.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from .values import Absolute, Arithmetic, Name, Number, Value, Window
from .windows import Ring


@dataclass
class Moment:
    """An observation: after an update, or after a validation (`validated`), with the latest value of every metric.

    `fresh` are the metrics that this observation brought, `seconds` the time inside of training steps so far,
    `validations` how many there were, this one included.
    """

    step: int
    seconds: float
    validations: int
    validated: bool
    values: dict[str, float]
    fresh: Collection[str] = ()

    def clock(self, unit: str) -> float | None:
        """How far steps, validations, epochs or seconds have come; None where nobody counts them."""
        if unit == "epochs":
            return self.values.get("epoch")
        return self.step if unit == "steps" else self.validations if unit == "validations" else self.seconds


Compute = Callable[[Moment], float | None]


class WindowCell:
    """A window's ring, fed by the observations that it counts."""

    def __init__(self, window: Window, value: Compute) -> None:
        self.by_validation, self.inner = window.span.unit == "validations", value
        self.ring = Ring(window.function, int(window.span.amount))
        self.held: float | None = None
        self.began = 0
        """The step of the oldest observation that `held` is made of."""

    def __call__(self, moment: Moment) -> float | None:
        """The function over what came before this moment."""
        if moment.validated == self.by_validation:
            tick = moment.validations if self.by_validation else moment.step
            self.held, self.began = self.ring.value(tick), self.ring.oldest_step()
            self.ring.push(tick, moment.step, self.inner(moment))
        return self.held

    def state(self) -> dict[str, Any]:
        """Plain values that `restore` takes."""
        return {"held": self.held, "began": self.began, **self.ring.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what `state` gave."""
        self.held, self.began = state["held"], state["began"]
        self.ring.restore(state)


def divide(left: float, right: float) -> float:
    """IEEE 754 division."""
    if right:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": divide}


def computed(value: Value, cells: list[Any]) -> Compute:
    """What computes a value. Parts that remember join `cells`, from the left."""
    if isinstance(value, Number):
        constant = value.value
        return lambda moment: constant
    if isinstance(value, Name):
        name = value.name
        return lambda moment: moment.values.get(name)
    if isinstance(value, Window):
        cells.append(WindowCell(value, computed(value.value, cells)))
        return cells[-1]
    if isinstance(value, Arithmetic):
        return _joined(_OPERATORS[value.operator], computed(value.left, cells), computed(value.right, cells))
    return _changed(abs if isinstance(value, Absolute) else operator.neg, computed(value.value, cells))


def _joined(operate: Callable[[float, float], float], left: Compute, right: Compute) -> Compute:
    def compute(moment: Moment) -> float | None:
        one, two = left(moment), right(moment)
        return None if one is None or two is None else operate(one, two)

    return compute


def _changed(change: Callable[[float], float], inner: Compute) -> Compute:
    def compute(moment: Moment) -> float | None:
        found = inner(moment)
        return None if found is None else change(found)

    return compute
