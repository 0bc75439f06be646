"""A value's last observations in a ring of fixed size: mean, smallest and largest by a segment tree, median by a sorted list.

Nothing is ever subtracted from a running sum, so that a spike leaves no rounding error behind, and the same ring gives the
same figure to the last bit, whether it was filled in one go or restored. An update costs O(log size) and one move of
memory.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any

from .values import ConditionError

_EMPTY = {"mean": 0.0, "min": math.inf, "max": -math.inf}
_JOIN: dict[str, Callable[[float, float], float]] = {"mean": lambda a, b: a + b, "min": min, "max": max}


class Ring:
    """Observations by tick (a step's or a validation's number); those that are not finite leave an empty place."""

    def __init__(self, function: str, size: int) -> None:
        self.function, self.size = function, size
        self.first: int | None = None
        self.last = 0
        self.places: list[float | None] = [None] * size
        self.steps = [0] * size
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        self._ordered: list[float] = []
        self._tree = [_EMPTY.get(self.function, 0.0)] * (2 * self.size)

    def value(self, tick: int) -> float | None:
        """The function over the ticks before this one; None until there were as many, or where none was finite."""
        if self.first is None or self.first > tick - self.size:
            return None
        self._forget(tick - 1)
        if not self._count:
            return None
        if self.function == "median":
            middle = self._count // 2
            high = self._ordered[middle]
            return high if self._count % 2 else (self._ordered[middle - 1] + high) / 2
        return self._tree[1] / self._count if self.function == "mean" else self._tree[1]

    def push(self, tick: int, step: int, value: float | None) -> None:
        """The observation of a tick, later than all before."""
        if self.first is None:
            self.first, self.last = tick, tick - 1
        self._forget(tick - 1)
        self._set(tick % self.size, value if value is not None and math.isfinite(value) else None)
        self.last, self.steps[tick % self.size] = tick, step

    def oldest_step(self) -> int:
        """The step of the oldest observation that is kept, 0 where there is none."""
        first = max(self.last - self.size + 1, self.first or 0)
        return self.steps[first % self.size]

    def _forget(self, tick: int) -> None:
        """Empties the places of ticks up to this one that brought nothing."""
        if tick <= self.last:
            return
        for missed in range(max(self.last + 1, tick - self.size + 1), tick + 1):
            self._set(missed % self.size, None)
            self.steps[missed % self.size] = missed
        self.last = tick

    def _set(self, place: int, value: float | None) -> None:
        before, self.places[place] = self.places[place], value
        self._count += (value is not None) - (before is not None)
        if self.function != "median":
            self._grow(place, value)
            return
        if before is not None:
            del self._ordered[bisect_left(self._ordered, before)]
        if value is not None:
            insort(self._ordered, value)

    def _grow(self, place: int, value: float | None) -> None:
        tree, join, at = self._tree, _JOIN[self.function], place + self.size
        tree[at] = _EMPTY[self.function] if value is None else value
        while at > 1:
            at //= 2
            tree[at] = join(tree[2 * at], tree[2 * at + 1])

    def state(self) -> dict[str, Any]:
        """Plain values that `restore` takes."""
        return {"first": self.first, "last": self.last, "places": self.places[:], "steps": self.steps[:]}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what `state` gave."""
        if len(state["places"]) != self.size:
            raise ConditionError(f"a window of {self.size} cannot take the state of one of {len(state['places'])}", 1)
        self.first, self.last, self.steps = state["first"], state["last"], list(state["steps"])
        self.places = [None] * self.size
        self._clear()
        for place, value in enumerate(state["places"]):
            self._set(place, value)
