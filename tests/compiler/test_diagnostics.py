"""Near names, order, and words for messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.diagnostics import Diagnostic, Severity, has_errors, listing, nearest, ordered, quote
from tests.compiler.specs import source

NAMES = [
    "matrix_lr",
    "embedding_lr",
    "rows",
    "length",
    "family",
    "gpt",
    "vae",
    "dim",
    "heads",
    "steps",
    "seed",
    "date",
]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("matrx_lr", "matrix_lr"),  # a letter dropped
        ("matrrix_lr", "matrix_lr"),  # doubled
        ("martix_lr", "matrix_lr"),  # swapped
        ("Matrix-LR", "matrix_lr"),  # case and hyphen
        ("lr_matrix", "matrix_lr"),  # parts in another order
        ("matrix_lrs", "matrix_lr"),
        ("matix_rl", "matrix_lr"),
        ("row", "rows"),
        ("gtp", "gpt"),
        ("dmi", "dim"),
        ("vea", "vae"),
        ("Family", "family"),
        ("lenght", "length"),
        ("sede", "seed"),
    ],
)
def test_finds_what_was_meant(slip: str, meant: str) -> None:
    assert nearest(slip, NAMES) == meant


@pytest.mark.parametrize("word", ["zzz", "x", "", "warmup", "weight_decay", "optimizer", "_", "深度"])
def test_suggests_nothing_where_nothing_is_near(word: str) -> None:
    assert nearest(word, NAMES) is None


def test_the_nearest_of_several_near_ones_wins() -> None:
    assert nearest("stepz", ["stop", "steps_per_epoch", "steps", "stage"]) == "steps"


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_suggests_a_candidate_or_nothing(word: str, candidates: list[str]) -> None:
    assert nearest(word, candidates) in [*candidates, None]


@given(st.sampled_from([name for name in NAMES if len(name) > 3]), st.data())
def test_any_one_slip_in_a_name_is_found_out(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 2))
    swapped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    dropped = name[:at] + name[at + 1 :]
    doubled = name[:at] + name[at] + name[at:]
    assert [nearest(slip, NAMES) for slip in (swapped, dropped, doubled)] == [name] * 3


def test_severity_is_in_the_code() -> None:
    error, warning = Diagnostic("E102", "x"), Diagnostic("W301", "x")
    assert (error.severity, warning.severity) == (Severity.ERROR, Severity.WARNING)
    assert has_errors([warning, error]) and not has_errors([warning])


def test_order_is_by_place_and_nothing_is_said_twice() -> None:
    a, b = source("x\ny\n", "a.yaml"), source("x\n", "b.yaml")
    late = Diagnostic("E102", "late", a.span(2, 3))
    early = Diagnostic("E103", "early", a.span(0, 1))
    other = Diagnostic("E101", "other", b.span(0, 1))
    nowhere = Diagnostic("E205", "nowhere")
    assert ordered([other, late, early, late, nowhere]) == [nowhere, early, late, other]


def test_quotes_are_on_one_line_and_short() -> None:
    assert quote("a\nb\tc") == '"a\\nb\\tc"'
    assert len(quote("x" * 500)) < 70


def test_long_lists_say_how_many_more() -> None:
    assert listing(["a", "b", "c"], limit=2) == "a, b and 1 more"
