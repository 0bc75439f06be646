"""Polygons in, a greyscale image out: the share of each pixel that lies inside by the nonzero winding rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SUBROWS = 4
"""Lines a pixel row is sampled at; along them coverage is exact."""


def rasterise(polygons: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Closed polygons ((k, 2), first point repeated, in [-1, 1], y upwards) to an image (size, size) in [0, 1], top row first.

    What lies outside of the box is cut off.
    """
    image = np.zeros((size, size))
    if not polygons:
        return image
    scaled = [np.stack(((one[:, 0] + 1) / 2 * size, (1 - one[:, 1]) / 2 * size), axis=1) for one in polygons]
    starts = np.concatenate([one[:-1] for one in scaled])
    ends = np.concatenate([one[1:] for one in scaled])
    for line in range(size * SUBROWS):
        height = (line + 0.5) / SUBROWS
        for left, right in _spans(starts, ends, height):
            _fill(image[line // SUBROWS], left, right)
    return np.clip(image / SUBROWS, 0.0, 1.0)


def _spans(starts: np.ndarray, ends: np.ndarray, height: float) -> list[tuple[float, float]]:
    """Where a horizontal line is inside: pairs of x, by winding numbers from left to right."""
    above, below = starts[:, 1] <= height, ends[:, 1] <= height
    crossing = above != below
    if not crossing.any():
        return []
    first, last = starts[crossing], ends[crossing]
    x = first[:, 0] + (height - first[:, 1]) / (last[:, 1] - first[:, 1]) * (last[:, 0] - first[:, 0])
    turns = np.where(above[crossing], 1, -1)
    order = np.argsort(x, kind="stable")
    winding = np.cumsum(turns[order])
    places = x[order]
    return [(float(places[i]), float(places[i + 1])) for i in range(len(places) - 1) if winding[i]]


def _fill(row: np.ndarray, left: float, right: float) -> None:
    """Adds to each pixel the length of it that lies between two places."""
    left, right = max(left, 0.0), min(right, float(len(row)))
    if left >= right:
        return
    first, last = int(left), min(int(right), len(row) - 1)
    if first == last:
        row[first] += right - left
        return
    row[first] += first + 1 - left
    row[first + 1 : last] += 1.0
    row[last] += right - last
