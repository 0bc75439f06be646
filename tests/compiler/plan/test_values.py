"""How a plan writes values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.promises import Prediction
from expc.compiler.contract.schedules import constant, trapezoid
from expc.compiler.plan.changes import Row
from expc.compiler.plan.values import corners, factor, figure, grouped, pair


def row(before: Any, after: Any, unit: str | None = None, key: str = "a.b", new: str | None = None) -> Row:
    return Row(key, before, after, unit, "text", False, new)


LONG = "x" * 100


@pytest.mark.parametrize("one, shown", [
    (row(0.016, 0.032), ("0.016", "0.032")),
    (row(5000, 20000), ("5,000", "20,000")),
    (row(8 * 10**9, 6 * 10**9, "bytes"), ("8.00 GB", "6.00 GB")),
    (row(8 * 10**9, 8 * 10**9 + 1, "bytes"), ("8000000000", "8000000001")),
    (row(0.05, 0.07, "fraction"), ("5.0%", "7.0%")),
    (row(0.05, 0.0501, "fraction"), ("0.05", "0.0501")),
    (row(None, 90.0, "seconds"), ("–", "1 min 30 s")),
    (row("–", None), ('"–"', "–")),
    (row(True, False), ("true", "false")),
    (row(["bash", "tmux"], ["bash"]), ('2 items, less "tmux"', "1 item")),
    (row(["bash", "tmux"], ["tmux", "bash"]), ('["bash", "tmux"]', '["tmux", "bash"]')),
    (row([5400.0, 7200.0], 3600.0, "seconds"), ("1 h 30 min to 2 h 0 min", "1 h 0 min")),
    (row(LONG + "a", LONG + "b"), (f'…{"x" * 20}a"', f'…{"x" * 20}b"')),
])  # fmt: skip
def test_values_are_short_and_never_alike(one: Row, shown: tuple[str, str]) -> None:
    assert pair(one) == shown


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | \
    st.lists(st.text(max_size=40), max_size=4)  # fmt: skip


@given(VALUES, VALUES, st.sampled_from([None, "bytes", "seconds", "fraction", "nats"]))
def test_what_differs_looks_different_and_fits(before: Any, after: Any, unit: str | None) -> None:
    shown = pair(row(before, after, unit))
    assert all(len(one) <= 90 and "\n" not in one for one in shown)
    if type(before) is type(after) and before != after:
        assert shown[0] != shown[1]


def test_a_curve_is_its_corners() -> None:
    curve = to_plain(trapezoid(0, 5000, 40, 1250, 0.05))["segments"]
    assert corners(curve) == "0.025 at 0, 1 from 39 to 3,750, 0.05 at 5,000"
    assert corners(to_plain(constant(1.0, 0, 10))["segments"]) == "1 from 0 to 10"


def test_a_factor_is_said_of_numbers_only() -> None:
    assert factor(row(2, 4)) == "2"
    assert factor(row(0.018, 0.012)) == "0.6667"
    assert factor(row(0, 4)) is None and factor(row("a", "b")) is None and factor(row(True, False)) is None


def test_what_came_as_a_whole_is_one_row() -> None:
    rows = [row(None, 1, key="eval.suites.tab.seed", new="eval.suites.tab"),
            row(None, 2, key="eval.suites.tab.samples", new="eval.suites.tab"),
            row(3, None, key="expect[x].below", new="expect[x]"), row(1, 2, key="seed")]
    assert [(one.key, *pair(one)) for one in grouped(rows)] == [
        ("eval.suites.tab", "–", "seed 1, samples 2"), ("expect[x].below", "3", "–"), ("seed", "1", "2")]


@pytest.mark.parametrize("value, unit, shown", [
    (18_874_368, "number", "18,874,368"), (3_865_470_566_400_000, "number", "3.865e+15"), (None, "number", "–"),
    (None, "seconds", "–"), (128.0, "seconds", "2 min 8 s"), (9.0109, "nats", "9.01 nats"), (12.5, "CNY", "12.50 CNY"),
])  # fmt: skip
def test_a_figure_has_its_unit(value: float | None, unit: str, shown: str) -> None:
    assert figure(Prediction("x", value, unit, "exact", "by counting")) == shown
