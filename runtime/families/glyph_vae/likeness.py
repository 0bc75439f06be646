"""How near a drawn glyph is to the one meant: chamfer distance of the outlines, overlap of the filled images."""

from __future__ import annotations

import numpy as np

from .outlines import Glyph, polylines
from .raster import rasterise

POINTS = 256
"""Points that an outline is sampled at, evenly along its length."""
SIZE = 64
"""Side of the images that are laid over one another, in pixels."""


def points(glyph: Glyph) -> np.ndarray:
    """Points (POINTS, 2) along all contours; of a glyph without any, the middle of the box."""
    drawn = polylines(glyph.commands, glyph.coordinates)
    starts = np.concatenate([one[:-1] for one in drawn]) if drawn else np.zeros((0, 2))
    steps = np.concatenate([np.diff(one, axis=0) for one in drawn]) if drawn else np.zeros((0, 2))
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    if not lengths.sum() > 0:
        return np.broadcast_to(starts[0] if len(starts) else np.zeros(2), (POINTS, 2))
    ends = np.cumsum(lengths)
    places = (np.arange(POINTS) + 0.5) / POINTS * ends[-1]
    piece = np.minimum(np.searchsorted(ends, places), len(ends) - 1)
    along = (places - ends[piece] + lengths[piece]) / np.maximum(lengths[piece], 1e-12)
    found: np.ndarray = starts[piece] + along[:, None] * steps[piece]
    return found


def chamfer(one: Glyph, other: Glyph) -> float:
    """Mean distance from each outline's points to the nearest of the other's, both ways averaged, in half sides of the box.

    Barrow et al. 1977. An empty glyph counts as a point in the middle of the box.
    """
    a, b = points(one), points(other)
    distances = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    return float(distances.min(1).mean() + distances.min(0).mean()) / 2


def overlap(one: Glyph, other: Glyph) -> float:
    """Intersection over union of the filled glyphs, grey pixels by their shares; 0 where neither fills anything."""
    a, b = (rasterise(polylines(glyph.commands, glyph.coordinates), SIZE) for glyph in (one, other))
    union = float(np.maximum(a, b).sum())
    return float(np.minimum(a, b).sum()) / union if union else 0.0
