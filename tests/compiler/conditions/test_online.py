"""Conditions decided while a run goes on: the same as by looking at all of its past, in bounded memory, restorable."""

from __future__ import annotations

import json
import math
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expc.compiler.contract.conditions import parse
from expc.compiler.contract.conditions.online import Moment, Watch
from expc.compiler.contract.conditions.syntax import Condition
from expc.compiler.contract.conditions.windows import Ring
from tests.compiler.conditions import naive
from tests.compiler.conditions.strategies import conditions, observed, runs


@settings(max_examples=400, deadline=None)
@given(conditions, runs())
def test_it_decides_as_if_it_saw_the_whole_past(condition: Condition, moments: list[Moment]) -> None:
    watch = Watch(condition)
    for index, moment in enumerate(moments):
        watch.observe(moment)
        assert watch.holds is (naive.truth(condition, moments, index) is True)


@settings(max_examples=200, deadline=None)
@given(conditions, runs(), st.data())
def test_a_restored_watch_goes_on_as_if_nothing_had_happened(condition: Condition, moments: list[Moment],
                                                            data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(moments)))
    whole, first, second = Watch(condition), Watch(condition), Watch(condition)
    expected = [(whole.observe(moment), whole.onset(moment)) for moment in moments][cut:]
    for moment in moments[:cut]:
        first.observe(moment)
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    assert [(second.observe(moment), second.onset(moment)) for moment in moments[cut:]] == expected
    assert second.state() == whole.state()


@given(st.sampled_from(["mean", "median", "min", "max"]), st.integers(1, 9), st.lists(observed, max_size=40))
def test_a_ring_is_the_function_over_the_last_finite_values(function: str, size: int, values: list[float]) -> None:
    ring = Ring(function, size)
    for tick, value in enumerate(values):
        finite = [one for one in values[max(0, tick - size):tick] if math.isfinite(one)]
        expected = naive.FUNCTIONS[function](finite) if finite and tick >= size else None
        assert ring.value(tick) == expected
        ring.push(tick, tick, value)


def test_a_spike_leaves_no_rounding_error_behind() -> None:
    ring = Ring("mean", 10)
    values = [0.1, 1e300, 1e-300, *([0.1] * 30)]
    for tick, value in enumerate(values):
        ring.push(tick, tick, value)
    assert math.isclose(ring.value(len(values)) or 0, 0.1, rel_tol=1e-15)


def test_a_window_of_ten_thousand_keeps_no_more() -> None:
    ring, dice = Ring("median", 10_000), random.Random(1)
    drawn = [dice.random() for _ in range(25_000)]
    for tick, value in enumerate(drawn):
        ring.push(tick, tick, value)
    assert ring.value(25_000) == statistics.median(drawn[15_000:])
    assert len(ring.places) == len(ring._ordered) == 10_000


def fired(text: str, losses: list[float], higher: tuple[str, ...] = ()) -> list[int]:
    """The steps at which a condition on the loss becomes true, one update a step from step 1."""
    watch = Watch(parse(text), higher)
    moments = (Moment(step, float(step), 0, False, {"loss": loss, "step": step}, frozenset({"loss"}))
               for step, loss in enumerate(losses, 1))
    return [moment.step for moment in moments if watch.observe(moment)]


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(("text", "losses", "steps"), [
    ("loss is not finite", [1, NAN, NAN, 1, INF], [2, 5]),
    ("loss > 10 x median(3 steps)", [1, 1, 50, 1, 50, 1], [5]),
    ("loss > 10 x mean(3 steps)", [1, 1, 1, NAN, 40], [5]),
    ("loss > 3 for 3 steps", [4, 4, 1, 4, 4, 4, 4], [6]),
    ("loss > 3 for 2s", [4, 4, 4, 4], [3]),
    ("not loss > 3", [4, NAN, 4, 2], [2, 4]),
    ("loss > 3", [NAN, NAN], []),
    ("loss != 3", [3, NAN], [2]),
    ("missing > 3 or loss > 3", [4], [1]),
    ("not missing > 3", [4], []),
    ("1 / loss > 1000", [0.0, 1, -0.0], [1]),
    ("no improvement of loss for 2 steps", [3, 2, 2, 2, 2, 1, 1, 1], [4, 8]),
    ("no improvement of loss by 0.5 for 3 steps", [3, 2.9, 2.8, 2.7], [4]),
    ("max(loss, 2 steps) == 4", [4, 1, 1, 1], [3]),
])
def test_what_the_words_mean(text: str, losses: list[float], steps: list[int]) -> None:
    assert fired(text, losses) == steps


def test_more_may_be_better() -> None:
    assert fired("no improvement of loss for 2 steps", [1, 2, 3, 3, 2], ("loss",)) == [5]


def test_nothing_is_said_before_a_window_is_full() -> None:
    assert fired("loss > 2 x min(loss, 4 steps)", [1, 5, 5, 5, 5, 5]) == [5]


@pytest.mark.parametrize(("text", "losses", "onset"), [
    ("loss > 3", [1, 1, 4], 3),
    ("loss > 3 for 3 steps", [1, 4, 4, 4], 2),
    ("mean(loss, 2 steps) > 2 * min(loss, 4 steps)", [1, 1, 1, 9, 9, 9], 3),
    ("no improvement of loss for 3 steps", [3, 2, 3, 3, 3], 3),
    ("loss > 3 for 2 steps and loss > 2 for 4 steps", [1, 3, 3, 4, 4], 2),
    ("not (loss < 3)", [1, 1, 4], 3),
])
def test_it_says_when_that_began(text: str, losses: list[float], onset: int) -> None:
    watch = Watch(parse(text))
    found = []
    for step, loss in enumerate(losses, 1):
        moment = Moment(step, 0.0, 0, False, {"loss": loss}, frozenset({"loss"}))
        if watch.observe(moment):
            found.append(watch.onset(moment))
    assert found == [onset]
