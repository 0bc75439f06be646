"""The contract: canonical text, strict decoding, curves, quantities, snapshots that trust nothing."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract import canonical, quantities, schedules, snapshot
from expc.compiler.contract.codec import Malformed, from_plain, to_plain

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(plain)
def test_canonical_text_reads_back_and_is_stable(value: object) -> None:
    try:
        text = canonical.dumps(value)
    except canonical.NotCanonical as error:
        assert "-0.0" in str(error)
        return
    assert text == json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    assert json.loads(text) == value
    assert canonical.dumps(json.loads(text)) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.0, {1: 2}, {"a": {"b": object()}}, b"bytes", {1, 2}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.dumps({"value": value})


def test_key_order_does_not_matter() -> None:
    assert canonical.sha256({"a": 1, "b": 2}) == canonical.sha256({"b": 2, "a": 1})


@dataclass(frozen=True)
class Inner:
    kind: Literal["x", "y"]
    weight: float


@dataclass(frozen=True)
class Outer:
    name: str
    many: tuple[Inner, ...]
    table: dict[str, int]
    maybe: Inner | None


EXAMPLE = Outer("n", (Inner("x", 1.5), Inner("y", 2.0)), {"k": 3}, None)


def test_decoding_is_the_reverse_of_encoding() -> None:
    assert from_plain(Outer, json.loads(json.dumps(to_plain(EXAMPLE)))) == EXAMPLE


@pytest.mark.parametrize(("change", "place"), [
    ({"extra": 1}, "extra"), ({"name": 3}, "$.name"), ({"many": {}}, "$.many"), ({"maybe": {"kind": "z", "weight": 1.0}}, "z"),
    ({"table": {"k": True}}, "$.table.k"), ({"many": [{"kind": "x"}]}, "weight"),
])
def test_what_does_not_fit_is_refused_with_its_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(Malformed, match=place.replace("$", r"\$")):
        from_plain(Outer, to_plain(EXAMPLE) | change)


@given(st.integers(1, 400), st.integers(0, 100), st.integers(0, 100), st.floats(0, 1), st.floats(0, 0.9))
def test_the_rate_law(steps: int, warmup: int, warmdown: int, final: float, first: float) -> None:
    if warmup + warmdown > steps:
        with pytest.raises(ValueError, match="do not fit"):
            schedules.trapezoid(0, steps, warmup, warmdown, final, first)
        return
    curve = schedules.trapezoid(0, steps, warmup, warmdown, final, first)
    for update in range(steps):
        expected = 1.0
        if update < warmup:
            expected = first + (1 - first) * (update + 1) / warmup
        elif update > steps - warmdown:
            expected = 1.0 + (final - 1.0) * (update - (steps - warmdown)) / warmdown
        assert curve.at(update) == pytest.approx(expected, abs=1e-12)


def test_curves_join_where_a_run_is_warmed_up_again() -> None:
    parent = schedules.trapezoid(0, 5000, 40, 1250, 0.05)
    child = schedules.trapezoid(5000, 20000, 200, 5000, 0.05, first=parent.at(4999))
    assert child.at(5000) == pytest.approx(parent.at(4999), rel=0.1)
    assert child.at(5199) == 1.0
    assert child.breakpoints()[-1] == (20000, 0.05)


def test_cosine_has_its_halfway_value() -> None:
    assert schedules.Segment(0, 10, "cosine", 1.0, 0.0).at(5) == pytest.approx(0.5)


@pytest.mark.parametrize(("text", "kind", "value"), [
    ("6GB", "size", 6e9), ("8 GiB", "size", 8 * 2**30), ("1.5h", "time", 5400), ("20k", "count", 20000),
    ("4,096", "count", 4096), ("40%", "fraction", 0.4), (0.25, "fraction", 0.25), ("2M", "count", 2e6),
])
def test_quantities(text: str | float, kind: str, value: float) -> None:
    assert quantities.parse(text, kind) == value


@pytest.mark.parametrize(("text", "kind"), [(6, "size"), ("6", "time"), ("6 gigs", "size"), ("", "count"), ("5h", "size"),
                                            ("²", "count"), ("١", "count"), (True, "count"),
                                            ("400%", "fraction"), (83, "fraction")])
def test_no_quantities(text: object, kind: str) -> None:
    with pytest.raises(quantities.NotAQuantity):
        quantities.parse(text, kind)  # type: ignore[arg-type]


@given(st.text(max_size=40), st.sampled_from(["size", "time", "count", "fraction"]))
def test_any_text_is_a_quantity_or_is_refused(text: str, kind: str) -> None:
    try:
        assert math.isfinite(quantities.parse(text, kind))
    except quantities.NotAQuantity as error:
        assert str(error)


@pytest.mark.parametrize(("shown", "text"), [
    (quantities.integer(18874368), "18,874,368"), (quantities.size(5.93e9), "5.93 GB"), (quantities.size(512), "512 B"),
    (quantities.duration(5400), "1 h 30 min"), (quantities.duration(200), "3 min 20 s"), (quantities.percent(0.834), "83.4%"),
    (quantities.percent(None), "–"), (quantities.significant(0.0035), "0.0035"), (quantities.decimal(-0.001), "0.00"),
    (quantities.duration(59.7), "1 min 0 s"),
])
def test_printed_numbers(shown: str, text: str) -> None:
    assert shown == text


def test_a_snapshot_is_canonical_and_states_the_hash_of_all_else(parent_snapshot: str) -> None:
    body = json.loads(parent_snapshot)
    assert canonical.dumps(body) == parent_snapshot
    assert body.pop("snapshot_sha256") == canonical.sha256(body)


@pytest.mark.parametrize("damage", [
    lambda text: text.replace("42", "43", 1), lambda text: text[:-40], lambda text: "", lambda text: "[]",
    lambda text: text.replace("expc.snapshot/1", "expc.snapshot/9"),
    lambda text: text.replace('"steps": 1000', '"steps": 1001'),
])
def test_a_damaged_snapshot_is_refused(damage, parent_snapshot: str) -> None:  # type: ignore[no-untyped-def]
    assert snapshot.loads(parent_snapshot).name == "parent"
    assert damage(parent_snapshot) != parent_snapshot
    with pytest.raises(snapshot.BadSnapshot):
        snapshot.loads(damage(parent_snapshot))
