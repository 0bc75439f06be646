"""Deciding a condition while a run goes on: moments in, true or not out, in bounded memory.

What was never measured, and a window that is not full yet, are unknown (None), and so is what is made of them; `and`,
`or` and `not` are Kleene's. NaN compares as false with everything, and as true with `!=`. Every judge also says at which
step that began which it finds true: what was saved before may be trusted.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Protocol

from .computing import Compute, Moment, WindowCell, computed
from .syntax import Comparison, Condition, Event, Finite, Lasting, Logical, NoImprovement, Not
from .values import Absolute, Arithmetic, Name, Negative, Span, Value

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}


class Judge(Protocol):
    """Something that is true, false or unknown at a moment, and began at a step where it is true."""

    def __call__(self, moment: Moment) -> bool | None: ...

    def onset(self, moment: Moment) -> int: ...


class Watch:
    """One condition over the moments of a run. `higher` names metrics for which more is better."""

    def __init__(self, condition: Condition, higher: tuple[str, ...] = ()) -> None:
        self.cells: list[Any] = []
        self.judge = _judge(condition, self.cells, higher)
        self.holds = False

    def observe(self, moment: Moment) -> bool:
        """Whether the condition has become true at this moment: it has to be false again before it does so anew."""
        before, self.holds = self.holds, self.judge(moment) is True
        return self.holds and not before

    def onset(self, moment: Moment) -> int:
        """The step at which what is true now began."""
        return self.judge.onset(moment)

    def state(self) -> dict[str, Any]:
        """Plain values that `restore` takes."""
        return {"holds": self.holds, "cells": [cell.state() for cell in self.cells]}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what `state` of a watch of the same condition gave."""
        self.holds = state["holds"]
        for cell, one in zip(self.cells, state["cells"], strict=True):
            cell.restore(one)


def _judge(condition: Condition, cells: list[Any], higher: tuple[str, ...]) -> Judge:
    if isinstance(condition, Comparison):
        own: list[Any] = []
        judge = _Compared(condition, computed(condition.left, own), computed(condition.right, own), own)
        cells += own
        return judge
    if isinstance(condition, Finite):
        return _Finite(computed(condition.value, cells), condition.negated)
    if isinstance(condition, Not):
        return _Not(_judge(condition.condition, cells, higher))
    if isinstance(condition, Logical):
        return _Logical(condition.operator == "and", _judge(condition.left, cells, higher),
                        _judge(condition.right, cells, higher))
    if isinstance(condition, Event):
        raise TypeError(f"{condition} is watched by a clock, not by observations")
    cells.append(_Lasting(_judge(condition.condition, cells, higher), condition.span) if isinstance(condition, Lasting)
                 else _Stagnant(condition, condition.metric.name in higher))
    return cells[-1]


class _Compared:
    def __init__(self, part: Comparison, left: Compute, right: Compute, windows: list[WindowCell]) -> None:
        self.left, self.right, self.compare = left, right, _COMPARE[part.operator]
        self.windows = [] if _reads_now(part.left) or _reads_now(part.right) else windows

    def __call__(self, moment: Moment) -> bool | None:
        left, right = self.left(moment), self.right(moment)
        return None if left is None or right is None else self.compare(left, right)

    def onset(self, moment: Moment) -> int:
        """This step, or the first one of the shortest window where nothing else is looked at."""
        return max((cell.began for cell in self.windows), default=moment.step)


def _reads_now(value: Value) -> bool:
    """Whether it looks at a metric's present value, not at windows alone."""
    if isinstance(value, Arithmetic):
        return _reads_now(value.left) or _reads_now(value.right)
    return isinstance(value, Name) or (isinstance(value, (Absolute, Negative)) and _reads_now(value.value))


class _Finite:
    def __init__(self, value: Compute, negated: bool) -> None:
        self.value, self.negated = value, negated

    def __call__(self, moment: Moment) -> bool | None:
        found = self.value(moment)
        return None if found is None else math.isfinite(found) != self.negated

    def onset(self, moment: Moment) -> int:
        return moment.step


class _Not:
    def __init__(self, inner: Judge) -> None:
        self.inner = inner

    def __call__(self, moment: Moment) -> bool | None:
        found = self.inner(moment)
        return None if found is None else not found

    def onset(self, moment: Moment) -> int:
        return moment.step


class _Logical:
    def __init__(self, both: bool, left: Judge, right: Judge) -> None:
        self.both, self.left, self.right = both, left, right
        self.true: list[Judge] = []

    def __call__(self, moment: Moment) -> bool | None:
        left, right = self.left(moment), self.right(moment)  # both, always: windows and streaks see every moment
        self.true = [one for one, found in ((self.left, left), (self.right, right)) if found]
        if (not self.both) in (left, right):
            return not self.both
        return None if left is None or right is None else self.both

    def onset(self, moment: Moment) -> int:
        return min((one.onset(moment) for one in self.true), default=moment.step)


class _Lasting:
    """How long a condition has held: `since` is the clock just before its first moment."""

    def __init__(self, inner: Judge, span: Span) -> None:
        self.inner, self.span = inner, span
        self.since: float | None = None
        self.began = 0

    def __call__(self, moment: Moment) -> bool | None:
        found, now = self.inner(moment), moment.clock(self.span.clock)
        if not found or now is None:
            self.since = None
            return False if found is False else None
        if self.since is None:
            counted = {"steps": not moment.validated, "validations": moment.validated}
            self.since, self.began = now - counted.get(self.span.clock, False), self.inner.onset(moment)
        return now - self.since >= self.span.value

    def onset(self, moment: Moment) -> int:
        return self.began

    def state(self) -> dict[str, Any]:
        return {"since": self.since, "began": self.began}

    def restore(self, state: dict[str, Any]) -> None:
        self.since, self.began = state["since"], state["began"]


class _Stagnant:
    """The best value so far, and the clock and step at which it was measured; decided when the metric is measured."""

    def __init__(self, part: NoImprovement, higher: bool) -> None:
        self.name, self.span, self.sign = part.metric.name, part.span, -1.0 if higher else 1.0
        self.by = part.by.value if part.by else 0.0
        self.best: float | None = None
        self.since: float | None = None
        self.step, self.held = 0, False

    def __call__(self, moment: Moment) -> bool | None:
        now = moment.clock(self.span.clock)
        if self.name in moment.fresh and now is not None:
            value = self.sign * moment.values[self.name]
            if math.isfinite(value) and (self.best is None or value < self.best - self.by):
                self.best, self.since, self.held = value, now, False
                self.step = moment.step + moment.validated  # a loss is of the weights before its step, a validation of it
            elif self.since is not None:
                self.held = now - self.since >= self.span.value
        return None if self.best is None else self.held

    def onset(self, moment: Moment) -> int:
        return self.step + 1

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "since": self.since, "step": self.step, "held": self.held}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.since, self.step, self.held = state["best"], state["since"], state["step"], state["held"]
