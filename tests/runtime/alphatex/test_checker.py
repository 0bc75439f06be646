"""The checker by itself: what is right, what is wrong and how it says so; it never raises, and takes linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from expc.runtime.alphatex import Problem, check, generate_piece, validity
from tests.runtime.alphatex.cases import BAD, GOOD


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str):
    assert check(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_bad(name: str):
    text, code, line, column = BAD[name]
    problems = check(text)
    assert (code, line, column) in [(problem.code, problem.line, problem.column) for problem in problems]


def test_all_problems_come_in_reading_order():
    problems = check("3.9.1 |\n3.2.5 |\n99.1.1 |")
    assert [(problem.line, problem.code) for problem in problems] == [
        (1, "string-range"), (2, "bad-duration"), (3, "fret-range"),
    ]


def test_a_problem_reads_well():
    assert str(check("3.2.1 |\n3.7.1 |")[0]) == (
        "2:1: string-range: string 7 does not exist: this staff has strings 1 to 6"
    )
    assert check("\\ts (3 4) 3.2.1 |") == [
        Problem("bar-too-full", "bar 1 holds 1 of a whole note, and the time signature is 3/4", 1, 1)
    ]


_PARTS = [
    *'\\title \\track \\ts \\ks \\tuning \\tempo \\ro \\voice \\staff "A" ( ) { } | . : * - r x 3 7 12 -4 8 16'.split(),
    *'99999999999 3.2 5.2{t}.4 tu d b h gr E4 percussion // /* */ \\ " / # é'.split(),
    "\n",
    "\0",
]


@given(st.text())
@example("\\" * 50)
@example("9" * 5000 + ".1")
@example("3.2.1{tu 0 0}")
@example("\\ts (0 0) 3.2.1")
@example("\\tuning () 3.2.1 |")
def test_never_raises_on_text(text: str):
    assert all(problem.line >= 1 and problem.column >= 1 for problem in check(text))
    assert 0.0 <= validity(text).share <= 1.0


@given(st.lists(st.sampled_from(_PARTS), max_size=40), st.sampled_from(["", " "]))
@settings(max_examples=400)
def test_never_raises_on_what_looks_like_alphatex(parts: list[str], separator: str):
    text = separator.join(parts)
    assert all(1 <= problem.line <= text.count("\n") + 1 for problem in check(text))
    assert 0.0 <= validity(text).share <= 1.0


@given(st.integers(0, 300), st.data())
def test_never_raises_on_a_cut_piece(index: int, data: st.DataObject):
    piece = generate_piece(1, index)
    cut = piece[: data.draw(st.integers(0, len(piece)))]
    assert validity(cut).valid == ("|" in cut), "up to its last bar line a good piece is good"


_UNITS = [
    *["3.2.4 3.2 3.2 3.2 | ", '\\track "A" 3.2.1 | ', "3.2.4*3 ", ":8 ", "\\ts "],
    *["(", "{", '"', "/*", "/* ", "3", "a."],
]


@pytest.mark.parametrize("unit", _UNITS)
def test_linear_time(unit: str):
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.perf_counter()
        check(text)
        validity(text)
        return time.perf_counter() - start

    seconds(1_000)
    small, large = min(seconds(12_500) for _ in range(2)), seconds(100_000)
    assert large < 40 * small + 0.2, "eight times the text; quadratic would be sixty-four"
    assert large < 10
