"""What a rate multiplier (or a weight, or a momentum) is at update n: curves as laws and breakpoints, never sampled.

A `Curve` is a tuple of segments that follow one another; update n is the one that takes the run from step n to n + 1.
"""

from __future__ import annotations

import math
from typing import Literal

from .record import dataclass


@dataclass(frozen=True)
class Segment:
    """Updates `start` <= n < `end`: from `first` at `start` towards `last`, which is reached at `end`."""

    start: int
    end: int
    law: Literal["constant", "linear", "cosine"]
    first: float
    last: float

    def at(self, n: int) -> float:
        """The value at update n; outside the segment, the value at its nearer edge."""
        if n <= self.start or self.law == "constant":
            return self.first
        if n >= self.end:
            return self.last
        progress = (n - self.start) / (self.end - self.start)
        if self.law == "cosine":
            progress = 0.5 - 0.5 * math.cos(math.pi * progress)
        return self.first + (self.last - self.first) * progress


@dataclass(frozen=True)
class Curve:
    """Segments in order, the end of one being the start of the next."""

    segments: tuple[Segment, ...]

    def at(self, n: int) -> float:
        """The value at update n; before the first segment its first value, after the last one its last value."""
        for segment in self.segments:
            if n < segment.end:
                return segment.at(n)
        return self.segments[-1].at(n)

    def breakpoints(self) -> tuple[tuple[int, float], ...]:
        """(update, value) at each corner of the curve, both edges included, without repeats."""
        corners: dict[int, float] = {}
        for segment in self.segments:
            corners.setdefault(segment.start, segment.first)
            corners[segment.end] = segment.first if segment.law == "constant" else segment.last
        return tuple(corners.items())


def constant(value: float, start: int, end: int) -> Curve:
    """One value from `start` to `end`."""
    return Curve((Segment(start, end, "constant", value, value),))


def trapezoid(start: int, end: int, warmup: int, warmdown: int, final_fraction: float, first: float = 0.0) -> Curve:
    """Linear warmup over `warmup` updates, 1.0, then linear to `final_fraction` over the last `warmdown` updates.

    The law of nanochat's `base_train.py`: with `first` = 0 the i-th of w warmup updates has (i + 1) / w, the plateau
    holds up to and including update `end - warmdown`, and the last update stops one step short of `final_fraction`.
    `first` is the multiplier that the ramp rises from (a run that is warmed up again starts where its parent ended).
    Raises ValueError where warmup and warmdown do not fit between `start` and `end`.
    """
    if warmup < 0 or warmdown < 0 or warmup + warmdown > end - start:
        raise ValueError(f"warmup {warmup} and warmdown {warmdown} do not fit into {end - start} steps")
    segments = []
    plateau = start
    if warmup > 1:
        plateau = start + warmup - 1
        segments.append(Segment(start, plateau, "linear", first + (1.0 - first) / warmup, 1.0))
    if end - warmdown > plateau:
        segments.append(Segment(plateau, end - warmdown, "constant", 1.0, 1.0))
    if warmdown:
        segments.append(Segment(max(plateau, end - warmdown), end, "linear", 1.0, final_fraction))
    return Curve(tuple(segments))
