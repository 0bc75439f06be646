"""The generator: the same pieces everywhere, bars that add up by two counts, and a mix that a model can learn from."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import pytest

from expc.runtime.alphatex import check, generate_piece

GOLDEN = "52e1f200f14d1d4483e89998c53f5e213d830b5f0eb39d599dbf320b29f2f00c"
PIECES = [generate_piece(7, index) for index in range(600)]

_BEAT = re.compile(
    r"(?::(?P<before>\d+) )?(?P<notes>\([^()]*\)|[\dx-]+\.\d|r)(?P<inner>\{[^}]*\})?(?:\.(?P<after>\d+))?"
    r"(?P<outer>\{[^}]*\})?(?:\*(?P<count>\d+))?"
)


def bar_lengths(piece: str) -> list[Fraction]:
    """In whole notes, from the text alone: what this counts with shares nothing with the package."""
    music = re.sub(r'\\(?:title|artist|tempo|track|staff|instrument|tuning|capo)[^\n]*\n', "", piece)
    music = re.sub(r'\\ts \(\d+ \d+\)|\\ks \S+|\\section "[^"]*"|\\ro|\\rc \d', "", music)
    lengths, duration = [], 0
    for bar in music.split("|")[:-1]:
        length = Fraction(0)
        for beat in _BEAT.finditer(bar):
            duration = int(beat["before"] or beat["after"] or duration)
            effects = (beat["inner"] or "") + (beat["outer"] or "")
            factor = Fraction(3, 2) if re.search(r"\bd\b", effects) else Fraction(1)
            factor *= Fraction(2, 3) if "tu 3" in effects else 1
            length += factor / duration * int(beat["count"] or 1)
        assert not _BEAT.sub("", bar).strip(), f"not all of this bar was read: {bar}"
        lengths.append(length)
    return lengths


def test_the_first_pieces_are_golden():
    text = "".join(generate_piece(0, index) for index in range(50))
    assert hashlib.sha256(text.encode("utf-8")).hexdigest() == GOLDEN


def test_hash_order_and_locale_change_nothing():
    program = (
        "import hashlib; from expc.runtime.alphatex import generate_piece as piece; "
        "print(hashlib.sha256(''.join(piece(0, index) for index in range(50)).encode()).hexdigest())"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Tokyo"}
        command = [sys.executable, "-c", program]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == GOLDEN


def test_a_piece_depends_on_nothing_but_seed_and_index():
    backwards = [generate_piece(7, index) for index in reversed(range(20))]
    assert backwards[::-1] == PIECES[:20]
    assert generate_piece(8, 0) != generate_piece(7, 0)


def test_pieces_differ():
    assert len(set(PIECES)) == len(PIECES)


def test_the_checker_finds_nothing():
    assert [(index, check(piece)) for index, piece in enumerate(PIECES) if check(piece)] == []


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_bars_add_up_by_an_independent_count(start: int):
    for piece in PIECES[start : start + 100]:
        signature = re.search(r"\\ts \((\d+) (\d+)\)", piece)
        metre = Fraction(int(signature[1]), int(signature[2])) if signature else Fraction(1)
        assert set(bar_lengths(piece)) == {metre}, piece


def test_tracks_have_equally_many_bars():
    for piece in PIECES:
        assert len({track.count("|") for track in piece.split("\\track")[1:]}) == 1, piece


def test_every_piece_begins_as_people_begin():
    for piece in PIECES:
        lines = piece.splitlines()
        assert re.fullmatch(r'\\title "[^"]+"', lines[0])
        assert any(re.fullmatch(r"\\tempo \d+", line) for line in lines[1:3])
        assert piece.endswith(" |\n")


def test_strings_and_frets_are_on_the_neck():
    for piece in PIECES:
        for track in piece.split("\\track")[1:]:
            strings = len(re.search(r"\\tuning \(([^)]*)\)", track)[1].split())
            for fret, string in re.findall(r"(?<![\d.])(\d+)\.(\d)(?!\d)", track.split("\n", 5)[-1]):
                assert 0 <= int(fret) <= 24 and 1 <= int(string) <= strings, track


def share(pattern: str) -> float:
    return sum(bool(re.search(pattern, piece)) for piece in PIECES) / len(PIECES)


def test_the_mix():
    tracks = Counter(piece.count("\\track") for piece in PIECES)
    assert set(tracks) == {1, 2, 3}
    assert 0.3 < 1 - tracks[1] / len(PIECES) < 0.6, "pieces with several tracks"
    assert share(r"\{(?!score|tabs)") > 0.7, "effects"
    assert share(r":8 ") > 0.3 and share(r"\.8\b") > 0.3, "both ways to write durations"
    assert share(r"\)\.\d") > 0.25, "chords with a duration behind them"
    assert share(r"\{t\}|-\.\d") > 0.08, "ties"
    assert share(r"\b2[0-4]\.1") > 0.03, "the high end of the neck"
    assert share(r"\\ts \((?!4 4)") > 0.2, "other metres than 4/4"


def test_lengths():
    lengths = sorted(map(len, PIECES))
    assert lengths[len(lengths) // 20] > 250
    assert 450 < lengths[len(lengths) // 2] < 900
    assert lengths[len(lengths) * 19 // 20] < 1400


def test_motifs_come_again():
    repeating = 0
    for piece in PIECES:
        bars = [bar.strip() for bar in piece.split("\\tuning", 1)[1].split("|")]
        repeating += len(set(bars)) < len(bars)
    assert repeating / len(PIECES) > 0.6
