"""Means with confidence intervals by bootstrap over clusters, and gains over paired clusters; deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
SEED = 20260204


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


Clusters = Sequence[Sequence[float]]
"""Scores by cluster: those of one prompt stand or fall together."""


def weighted_mean(groups: Sequence[tuple[float, Clusters]]) -> Interval:
    """The weighted mean of groups' means; each group is a weight and its clusters.

    Percentile bootstrap (Efron 1979) over clusters within each group, all groups resampled together. Raises ValueError
    for an empty group.
    """
    if not groups or any(not clusters for _, clusters in groups):
        raise ValueError("there is nothing to take the mean of")
    generator = np.random.Generator(np.random.PCG64(SEED))
    total, drawn = 0.0, np.zeros(RESAMPLES)
    for weight, clusters in groups:
        means = np.asarray([float(np.mean(cluster)) for cluster in clusters])
        chosen = generator.integers(0, len(means), size=(RESAMPLES, len(means)))
        total += weight * float(means.mean())
        drawn += weight * means[chosen].mean(axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(total, float(low), float(high))


def weighted_gain(groups: Sequence[tuple[float, Clusters, Clusters]]) -> Interval:
    """The weighted mean of (after - before), cluster by cluster: each group is a weight and both sides' clusters.

    Pairing takes the difficulty of a prompt out of the interval. Raises ValueError where the sides do not pair.
    """
    paired = []
    for weight, before, after in groups:
        if len(before) != len(after):
            raise ValueError("the two sides have different prompts")
        differences = [[float(np.mean(new)) - float(np.mean(old))] for old, new in zip(before, after, strict=True)]
        paired.append((weight, differences))
    return weighted_mean(paired)
