"""Means with 95 % intervals by bootstrap over clusters, and gains over paired clusters; deterministic.

Scores come grouped by prompt, since completions of one prompt stand or fall together: a prompt is a cluster, and its
mean is what gets resampled. Percentile bootstrap (B. Efron, 1979). With few prompts such intervals are rather narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 4000
SEED = 20260204
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its 95 % interval; the ends are None where a single cluster leaves nothing to resample."""

    mean: float
    low: float | None
    high: float | None

    def plain(self) -> dict[str, float | None]:
        """For JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


Clusters = Sequence[Sequence[float]]
"""Scores by cluster, none of them empty."""


def weighted_mean(groups: Sequence[tuple[float, Clusters]]) -> Interval:
    """The weighted mean of groups' means; a group is its weight and its clusters, and is resampled by itself.

    Every cluster counts alike within its group, however many scores it holds. Raises ValueError for an empty group.
    """
    if not groups or any(not clusters or not all(clusters) for _, clusters in groups):
        raise ValueError("there is nothing to take the mean of")
    generator = np.random.Generator(np.random.PCG64(SEED))
    total, drawn = 0.0, np.zeros(RESAMPLES)
    for weight, clusters in groups:
        means = np.asarray([float(np.mean(cluster)) for cluster in clusters])
        chosen = (generator.random((RESAMPLES, len(means))) * len(means)).astype(np.int64)
        total += weight * float(means.mean())
        drawn += weight * means[chosen].mean(axis=1)
    if any(len(clusters) == 1 for _, clusters in groups):
        return Interval(total, None, None)
    outside = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(drawn, (outside, 100 - outside))
    return Interval(total, float(low), float(high))


def weighted_gain(groups: Sequence[tuple[float, Clusters, Clusters]]) -> Interval:
    """The weighted mean of (after - before), cluster by cluster: a group is its weight and both sides' clusters.

    Pairing takes the difficulty of a prompt out of the interval. Raises ValueError where the sides do not pair.
    """
    paired = []
    for weight, before, after in groups:
        if len(before) != len(after):
            raise ValueError("the two sides have different clusters")
        differences = [[float(np.mean(new)) - float(np.mean(old))] for old, new in zip(before, after, strict=True)]
        paired.append((weight, differences))
    return weighted_mean(paired)
