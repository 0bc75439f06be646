"""Bootstrap intervals: exact means, sensible width, pairing, and the same numbers every time."""

from __future__ import annotations

import numpy as np
import pytest

from expc.runtime.statistics import weighted_gain, weighted_mean


def test_the_mean_is_weighted_over_clusters_not_samples() -> None:
    interval = weighted_mean([(0.4, [[1.0, 1.0, 1.0], [0.0]]), (0.6, [[0.5]])])
    assert interval.mean == pytest.approx(0.4 * 0.5 + 0.6 * 0.5)


def test_one_cluster_has_a_mean_and_no_interval() -> None:
    interval = weighted_mean([(1.0, [[0.2, 0.4]])])
    assert interval.mean == pytest.approx(0.3)
    assert (interval.low, interval.high) == (None, None)


def test_the_interval_has_the_width_that_theory_says() -> None:
    values = np.random.Generator(np.random.PCG64(3)).random(400)
    interval = weighted_mean([(1.0, [[float(value)] for value in values])])
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert interval.low < interval.mean < interval.high


def test_pairing_removes_what_prompts_have_in_common() -> None:
    hard_and_easy = [[value / 20] for value in range(20)]
    better = [[one[0] + 0.05] for one in hard_and_easy]
    gain = weighted_gain([(1.0, hard_and_easy, better)])
    assert (gain.low, gain.mean, gain.high) == pytest.approx((0.05, 0.05, 0.05))


def test_it_is_deterministic() -> None:
    clusters = [[0.1, 0.5], [0.9], [0.3, 0.2]]
    assert weighted_mean([(1.0, clusters)]) == weighted_mean([(1.0, clusters)])


def test_nothing_has_no_mean() -> None:
    with pytest.raises(ValueError, match="nothing"):
        weighted_mean([(1.0, [])])
    with pytest.raises(ValueError, match="different clusters"):
        weighted_gain([(1.0, [[1.0]], [[1.0], [2.0]])])
