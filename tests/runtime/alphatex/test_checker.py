"""The checker by itself: what is right, what is wrong and how it says so; it never raises, and takes linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from expc.runtime.alphatex import Problem, check, generate_piece, validity

GOOD = {
    "sticky_durations": ":8 3.2 3.2 3.2 3.2 :2 3.2 |",
    "durations_behind": "3.2.8 2.3.8 3.2.4 3.2.2 |",
    "chord": "(6.2 1.5).8 (4.2 1.5{t}).8 24.1.2 r.4 |",
    "tie_by_dash": "3.2.2 -.2.2 |",
    "tie_effect_before_duration": "5.2.2 5.2{t}.2 |",
    "tied_note_sticky": "5.2.2 -.2 |",
    "dead_note": "x.3.1 |",
    "dotted": "3.2.4{d} 3.2.8 3.2.2 |",
    "double_dotted": "3.2.2{dd} 3.2.8 |",
    "triplet": "3.2.4{tu 3} 3.2{tu 3} 3.2{tu 3} 3.2.2 |",
    "sticky_triplet": ":4{tu 3} 3.2 3.2 3.2 :2 3.2 |",
    "repeated_beat": "3.2.8*4 3.2.4*2 |",
    "grace_note_takes_no_time": "3.2.8{gr} 5.2.1 |",
    "bend": "5.2{b (0 4)}.1 |",
    "bend_without_parentheses": "5.2{b 0 4}.1 |",
    "named_chord": ':1 (0.1 1.2){ch "Am" bd} |',
    "metadata": '\\title "A" \\artist "B" \\tempo 90.5 \\ts (3 4) \\ks F#minor 3.2.2{d} |',
    "header_dot": '\\title "A" . 3.2.1 |',
    "pickup": "\\ac 3.2.4 | 3.2.1 |",
    "comment": "// a remark\n3.2.1 /* another */ |",
    "time_signature_of_the_other_track": '\\track "A" \\ts (2 4) 3.2.2 | \\track "B" 3.2.2 |',
    "bass": '\\track "B" \\instrument 33 \\tuning (G2 D2 A1 E1) 3.4.1 |',
    "percussion": "\\instrument percussion 36.4 38 36 38 |",
    "pitches": "\\tuning piano C4.4 E4 G#4 Bb4 |",
    "second_voice": "\\voice 3.2.1 | \\voice 3.5.1 |",
    "no_bar_line_at_the_end": "3.2.1",
    "repeats": "\\ro 3.2.1 | \\rc 2 3.2.1 |",
}
BAD = {
    "empty": ("", "no-notes", 1, 1),
    "only_rests": ("r.1 |", "no-notes", 1, 1),
    "numbers_without_strings": ("3 3 3 3", "missing-string", 1, 1),
    "note_effect_behind_duration": ("3.2.2 5.2.2{t} |", "unknown-effect", 1, 13),
    "unknown_effect": ("5.2{zz}.1 |", "unknown-effect", 1, 5),
    "unknown_tag": ("\\titel 3.2.1 |", "unknown-tag", 1, 1),
    "string_zero": ("3.0.1 |", "string-range", 1, 1),
    "string_seven": ("3.7.1 |", "string-range", 1, 1),
    "string_five_of_a_bass": ("\\tuning (G2 D2 A1 E1) 3.5.1 |", "string-range", 1, 23),
    "fret_25": ("25.1.1 |", "fret-range", 1, 1),
    "fret_negative": ("-1.1.1 |", "fret-range", 1, 1),
    "tempo_negative": ("\\tempo -5 3.2.1 |", "tempo-range", 1, 1),
    "tempo_zero": ("\\tempo 0 3.2.1 |", "tempo-range", 1, 1),
    "instrument_128": ("\\instrument 128 3.2.1 |", "bad-argument", 1, 1),
    "title_missing": ("\\title", "bad-argument", 1, 1),
    "key_unknown": ("\\ks H 3.2.1 |", "bad-argument", 1, 1),
    "time_signature_denominator": ("\\ts (4 5) 3.2.1 |", "bad-argument", 1, 1),
    "duration_five": ("3.2.5 |", "bad-duration", 1, 1),
    "duration_missing": (": 3.2.1 |", "bad-duration", 1, 3),
    "duration_without_note": (":8 |", "not-a-note", 1, 4),
    "bar_too_full": ("3.2.1 3.2.4 |", "bar-too-full", 1, 1),
    "bar_too_short": ("3.2.1 |\n3.2.2 |", "bar-too-short", 2, 1),
    "bar_empty": ("3.2.1 | |", "bar-too-short", 1, 9),
    "chord_open": ("(3.2 3.3", "unclosed-chord", 1, 1),
    "chord_empty": ("().1 3.2.1 |", "empty-chord", 1, 1),
    "chord_twice_on_a_string": ("(3.2 5.2).1 |", "string-twice", 1, 1),
    "string_open": ('\\title "A', "bad-string", 1, 8),
    "comment_open": ("3.2.1 | /* so", "unclosed-comment", 1, 9),
    "lone_slash": ("3.2.1 / |", "stray-slash", 1, 7),
    "lone_backslash": ("\\ 3.2.1 |", "bad-tag", 1, 1),
    "stray_dot": ("3.2.1. |", "stray-dot", 1, 6),
    "tuplet_of_four": ("3.2.1{tu 4} |", "bad-argument", 1, 7),
    "bend_without_points": ("3.2{b}.1 |", "bad-argument", 1, 5),
    "pitch_among_frets": ("3.2.2 C4.2 |", "mixed-notes", 1, 7),
    "not_a_note": ("foo.1 |", "not-a-note", 1, 1),
    "tuning_note_without_octave": ("\\tuning (E4 B G3) 3.2.1 |", "bad-tuning", 1, 1),
}


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


_PARTS = [*'\\title \\track \\ts \\ks \\tuning \\tempo \\ro \\voice \\staff "A" ( ) { } | . : * - r x 3 7 12 -4 8 16 9999999999999 '
          '3.2 5.2{t}.4 tu d b h gr E4 percussion // /* */ \\ " / # é'.split(), "\n", "\0"]


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


@pytest.mark.parametrize(
    "unit", ["3.2.4 3.2 3.2 3.2 | ", "(", "{", "\\ts ", '"', "/*", "/* ", "3", ":8 ", "3.2.4*3 ", "\\track \"A\" 3.2.1 | ", "a."]
)
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
