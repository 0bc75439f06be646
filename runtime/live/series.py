"""A figure over the steps of a run in little memory, and as a line of block characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

BLOCKS = "▁▂▃▄▅▆▇█"
MOST = 4000

Points = Sequence[tuple[int, float]]


@dataclass
class Series:
    """(step, value) in the order of steps; of more than `MOST` every other one goes, again and again."""

    points: list[tuple[int, float]] = field(default_factory=list)
    _stride: int = 1
    _seen: int = 0

    def add(self, step: int, value: float) -> None:
        """Takes the next value, unless it falls between those that are kept."""
        if self._seen % self._stride == 0:
            self.points.append((step, value))
            if len(self.points) > MOST:
                self.points, self._stride = self.points[::2], self._stride * 2
        self._seen += 1


def columns(points: Points, width: int) -> list[float | None]:
    """The mean of each of `width` equal stretches of steps; None where a stretch holds no value."""
    if not points or width < 1:
        return []
    first, last = points[0][0], points[-1][0]
    sums, counts = [0.0] * width, [0] * width
    for step, value in points:
        index = min(width - 1, max(0, (step - first) * width // max(1, last - first)))
        sums[index] += value
        counts[index] += 1
    return [sums[index] / counts[index] if counts[index] else None for index in range(width)]


def sparkline(points: Points, width: int) -> str:
    """Blocks from the lowest to the highest column; a blank where there is no value."""
    means = columns(points, min(width, len(points)))
    known = [mean for mean in means if mean is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    top = len(BLOCKS) - 1
    return "".join(" " if mean is None else BLOCKS[round((mean - low) / span * top) if span else 0] for mean in means)
