"""Indicators count what the completion adds: real pieces score, empty text and noise do not."""

from __future__ import annotations

import random
import string

import pytest

from expc.compiler.families import gpt
from expc.runtime import alphatex
from expc.runtime.evals.indicators import INDICATORS, score

PIECES = [alphatex.generate_piece(7, index) for index in range(60)]
ALL = tuple(INDICATORS)


def test_compiler_and_runtime_name_the_same_indicators() -> None:
    assert set(INDICATORS) == set(gpt.INDICATORS)


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_worth_nothing(name: str) -> None:
    assert INDICATORS[name]("| 3.2", "") == 0.0


@pytest.mark.parametrize("name", ALL)
def test_noise_is_worth_next_to_nothing(name: str) -> None:
    noise = random.Random(name)
    texts = ["".join(noise.choice(string.printable[:95]) for _ in range(120)) for _ in range(200)]
    values = [INDICATORS[name]("| 3.2 ", text) or 0.0 for text in texts]
    assert sum(values) / len(values) < 0.05


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", ["." * 200, "1.1.1.1.1.1.1.1" * 10, "0 0 0 0 0 0 0", "()()()()", "{}{}{}", "|||||||||"])
def test_repetition_is_worth_nothing(name: str, text: str) -> None:
    assert not INDICATORS[name]("| 3.2 ", text)


@pytest.mark.parametrize(("name", "least"), [
    ("has_title", 1.0), ("has_track", 0.99), ("has_braces", 0.99), ("has_instrument", 0.99), ("has_tempo", 0.99),
    ("has_staff", 0.99), ("has_bars", 0.99), ("has_fret_number", 1.0), ("has_fret_numbers", 1.0), ("valid_format", 0.99),
    ("is_valid", 0.99), ("has_dot_separator", 0.9), ("has_rhythm", 0.95)])
def test_real_pieces_score(name: str, least: float) -> None:
    values = [INDICATORS[name]("", piece) for piece in PIECES]
    assert sum(value or 0.0 for value in values) / len(values) >= least


@pytest.mark.parametrize(("name", "prompt", "completion", "expected"), [
    ("has_title", '\\title "', 'Song"\n', 1.0),
    ("has_title", '\\title "Song"\n', "\\tempo 90", None),
    ("has_title", '\\title "', "Song without an end", 0.0),
    ("has_tempo", "\\tempo ", "120\n", 1.0),
    ("has_tempo", "\\tempo ", "0\n", 0.0),
    ("has_tempo", "\\tempo 120\n", "", None),
    ("has_fret_number", "| 3.2", " 2.3 1.2", 1.0),
    ("has_fret_number", "| 3.2", " 25.1 3.7", 0.0),
    ("has_rhythm_dot", "(6.2 1.5).", "8 3.2", 1.0),
    ("has_rhythm_dot", "(6.2 1.5).", "5", 0.0),
    ("has_rhythm_dot", "24.1.", "16 | 3.2", 1.0),
    ("has_rhythm_dot", "24.1.", "81", 0.0),
    ("has_rhythm_dot", "(2.3 2.4 0.5)", ".4 3.1", 1.0),
    ("has_rhythm", "| (3.2 2.3).8", " 3.2 4.1", 0.0),
    ("has_rhythm", "| (3.2 2.3).8", " 3.2.4 4.1", 1.0),
    ("has_rhythm", "| 3.2", " :8 2.3", 1.0),
    ("has_parentheses", "(6.2 1.5).", "8 (3.2 2.3).4", 1.0),
    ("has_parentheses", "(6.2 1.5", ").8", 0.0),
    ("has_effects", "| 3.2", "{h} 5.2", 0.0),
    ("has_effects", "| 3.2 ", "5.2{h}.8", 1.0),
    ("has_effects", "| 3.2 ", "5.2{nonsense}", 0.0),
    ("has_effects", "| 3.2 ", "(5.2 3.3){ch \"Am\"}", 1.0),
    ("has_bars", "| 3.2", " 2.3 | 3.2 2.1 | 4.1", 1.0),
    ("has_bars", "| 3.2", " | | |", 0.0),
])
def test_what_counts(name: str, prompt: str, completion: str, expected: float | None) -> None:
    assert INDICATORS[name](prompt, completion) == expected


def test_what_does_not_apply_is_left_out_of_the_mean() -> None:
    mean, values = score(("has_title", "has_tempo"), '\\title "A"\n', "\\tempo 90\n")
    assert (mean, values) == (1.0, {"has_tempo": 1.0})
