"""Indicators count what the completion adds: real pieces score, empty text and noise do not."""

from __future__ import annotations

import random
import re
import string

import pytest

from expc.compiler.families import gpt
from expc.runtime import alphatex
from expc.runtime.evals.indicators import INDICATORS, score

PIECES = [alphatex.generate_piece(7, index) for index in range(80)]
ALL = tuple(INDICATORS)
HEADER = ("has_title", "has_track", "has_instrument", "has_tempo", "has_staff", "has_braces")
BARS = tuple(name for name in ALL if name not in HEADER)
SHOWS_ALL = "(4.2 1.5{t}).8 3.2"
"""A prompt that every indicator of notes is asked of."""


def mean(name: str, pairs: list[tuple[str, str]]) -> float:
    """Over the pairs of prompt and completion that the indicator applies to."""
    values = [value for value in (INDICATORS[name](*pair) for pair in pairs) if value is not None]
    return sum(values) / len(values)


def prompt_for(name: str) -> str:
    return "" if name in HEADER else SHOWS_ALL


def test_compiler_and_runtime_name_the_same_indicators() -> None:
    assert tuple(INDICATORS) == gpt.INDICATORS


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("completion", ["", " ", "\n", " | ", " |" * 50])
def test_nothing_is_worth_nothing(name: str, completion: str) -> None:
    assert INDICATORS[name](prompt_for(name), completion) == 0.0


@pytest.mark.parametrize("name", ALL)
def test_bytes_at_random_are_worth_nothing(name: str) -> None:
    noise = random.Random(name)
    texts = ["".join(noise.choice(string.printable[:95]) for _ in range(120)) for _ in range(200)]
    assert mean(name, [(prompt_for(name) + " ", text) for text in texts]) < 0.01


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("prompt", ["", '\\title "', SHOWS_ALL, "| 3.2 ", "24.1."])
def test_words_of_alphatex_in_random_order_are_worth_next_to_nothing(name: str, prompt: str) -> None:
    """As a model writes that has learnt the tokens' frequencies and nothing else."""
    words = re.findall(r"\s?[\w#]+|\s?[^\w\s]|\s", "".join(PIECES[:20]))
    noise = random.Random(prompt)
    texts = ["".join(noise.choices(words, k=80)) for _ in range(150)]
    if INDICATORS[name](prompt, "") is not None:
        assert mean(name, [(prompt, text) for text in texts]) < 0.05


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", ["." * 200, "1.1.1.1.1.1.1.1" * 10, "0 0 0 0 0 0 0 ", "()" * 9, "{}" * 9, "|" * 9,
                                  " 3" * 40, ".8" * 40, "(3.2 " * 20, " 25.1 3.7 30.9 | 3.0 |"])
def test_repetition_and_things_that_do_not_exist_are_worth_nothing(name: str, text: str) -> None:
    assert INDICATORS[name](prompt_for(name), text) == 0.0


@pytest.mark.parametrize("name", [*HEADER, "has_bars", "is_valid", "valid_format", "has_dot_separator"])
def test_real_pieces_score(name: str) -> None:
    assert mean(name, [("", piece) for piece in PIECES]) >= 0.99


@pytest.mark.parametrize(("name", "least"), [
    ("has_fret_number", 1.0), ("has_dot_separator", 0.99), ("valid_format", 0.99), ("has_rhythm", 0.95),
    ("has_fret_numbers", 1.0), ("has_parentheses", 0.9), ("has_effects", 0.7), ("has_bars", 0.95), ("is_valid", 0.95)])
def test_the_rest_of_real_music_scores(name: str, least: float) -> None:
    """Pieces cut somewhere in a line of music, and their next 240 characters."""
    rolls = random.Random(5)
    places = [(piece, rolls.choice([match.start() for match in re.finditer(r"(?<=\|) \S+(?= )", piece)] or [0]))
              for piece in PIECES]
    pairs = [(piece[at:cut], piece[cut:cut + 240]) for piece, at in places if at
             for cut in [at + 1 + piece[at + 1:].index(" ")] if "\\" not in piece[at:cut + 240]]
    pairs = [(prompt, rest) for prompt, rest in pairs if len(rest) == 240]
    assert len(pairs) > 20
    assert mean(name, pairs) >= least


@pytest.mark.parametrize(("name", "prompt", "completion", "expected"), [
    ("has_title", '\\title "', 'Song"\n', 1.0),
    ("has_title", '\\title "', '夜曲 No. 3"\n', 1.0),
    ("has_title", '\\title "Song"\n', "\\tempo 90", None),
    ("has_title", "\\tempo 90\n", '\\title "Song"\n', None),
    ("has_title", '\\title "', "Song without an end", 0.0),
    ("has_title", '\\title "', '3.2 4.1 :8 5.2"\n', 0.0),
    ("has_track", '\\title "Song"\n', '\\track "Guitar"\n', 1.0),
    ("has_track", '\\title "Song"\n\\track (', '"Guitar" "G")\n', 1.0),
    ("has_track", '\\title "Song"\n', "\\track\n", 0.0),
    ("has_track", '\\track "Guitar"\n', '\\track "Bass"\n', None),
    ("has_tempo", "\\tempo ", "120\n", 1.0),
    ("has_tempo", "\\tempo ", "0\n", 0.0),
    ("has_tempo", "\\tempo ", "900\n", 0.0),
    ("has_tempo", "\\tempo 120\n", "", None),
    ("has_staff", '\\track "Guitar"\n', "\\staff {score tabs}\n", 1.0),
    ("has_staff", '\\track "Guitar"\n', "\\staff {cabbage}\n", 0.0),
    ("has_staff", '\\track "Guitar"\n', "\\staff\n", 0.0),
    ("has_braces", '\\track "Guitar"\n', "\\staff {score tabs}\n", 1.0),
    ("has_braces", '\\track "Guitar"\n', "\\staff {score tabs\n", 0.0),
    ("has_braces", "\\staff {tabs}\n", "\\staff {tabs}\n", None),
    ("has_instrument", '\\track "Guitar"\n', "\\instrument 27\n", 1.0),
    ("has_instrument", '\\track "Guitar"\n', "\\instrument 200\n", 0.0),
    ("has_bars", "| 3.2", " 2.3 | 3.2 2.1 | 4.1", 1.0),
    ("has_bars", "| 3.2", " 2.3 | 3.2 2.1 4.1", 0.0),
    ("has_fret_number", "| 3.2", " 2.3 1.2", 1.0),
    ("has_fret_number", "| 3.2", " 25.1 3.7 ", 0.0),
    ("has_fret_number", "| 3.", "2 ", 1.0),
    ("has_fret_numbers", "24.1.", "8 5.2 3.2 ", 1.0),
    ("has_fret_numbers", "24.1.", "8 5.2 3", 0.0),
    ("has_dot_separator", "| 3.2", " 2.3 1.2 | 3 4 5 | ", 2 / 6),
    ("valid_format", "| 3.2", " 2.3 1.2 | 3 4 5 | ", 0.5),
    ("has_rhythm", "| (3.2 2.3).8", " 3.2 4.1 ", 0.0),
    ("has_rhythm", "| (3.2 2.3).8", " 3.2.4 4.1 ", 1.0),
    ("has_rhythm", "| (3.2 2.3)", ".8 4.1 ", 1.0),
    ("has_rhythm", "| 3.2", " :8 2.3 ", 1.0),
    ("has_rhythm", "| 3.2", " :7 2.3 ", 0.0),
    ("has_rhythm_dot", "(6.2 1.5).", "8 3.2", 1.0),
    ("has_rhythm_dot", "(6.2 1.5).", "5 3.2 ", 0.0),
    ("has_rhythm_dot", "24.1.", "16 | 3.2", 1.0),
    ("has_rhythm_dot", "24.1.", "81 ", 0.0),
    ("has_rhythm_dot", "24.1.", "x 3.2.8 ", 0.0),
    ("has_rhythm_dot", "(2.3 2.4 0.5)", ".4 3.1", 1.0),
    ("has_rhythm_dot", "| :8 3.2", " 5.2 ", None),
    ("has_parentheses", "(6.2 1.5).", "8 (3.2 2.3).4 ", 1.0),
    ("has_parentheses", "(6.2 1.5", ").8 ", 0.0),
    ("has_parentheses", "(6.2 1.5).", "8 (3.2 2.3 | ", 0.0),
    ("has_parentheses", "24.1.", "8 (3.2 2.3).4 ", None),
    ("has_effects", "(4.2 1.5{t}).", "8 5.2{h}.8 ", 1.0),
    ("has_effects", "(4.2 1.5{t}).", "8 5.2{nonsense} ", 0.0),
    ("has_effects", "(4.2 1.5{t}).", "8 5.2{h ", 0.0),
    ("has_effects", "(4.2 1.5{t}).", '8 (5.2 3.3){ch "Am"} ', 1.0),
    ("has_effects", "| 3.2", "{h} 5.2 ", None),
    ("is_valid", "| 3.2.4", " 3.2.4 3.2.2 | ", 1.0),
    ("is_valid", "| 3.2.4", " 3.2.4 3.2.2 3.2 | 3.2.1 | 3.2.1 | ", 0.0),
    ("is_valid", "3.2.1 | 3.2.1 |", " 5", 0.0),
])
def test_what_counts(name: str, prompt: str, completion: str, expected: float | None) -> None:
    assert INDICATORS[name](prompt, completion) == expected


def test_what_does_not_apply_is_left_out_of_the_mean() -> None:
    found = score(("has_title", "has_tempo"), '\\title "A"\n', "\\tempo 90\n")
    assert found == (1.0, {"has_tempo": 1.0})
    assert score(("has_title",), '\\title "A"\n', "\\tempo 90\n") == (None, {})


def test_what_applies_depends_on_the_prompt_alone() -> None:
    for prompt in ("", '\\title "', '\\title "A"\n', SHOWS_ALL, "24.1.", "| :8 3.2"):
        texts = ("", "8 ", PIECES[0], "{h} (3.2 1.1)", "\\track")
        assert len({frozenset(score(ALL, prompt, text)[1]) for text in texts}) == 1
