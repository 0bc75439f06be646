"""The tunes: well formed, labelled, and with the contours that everybody knows."""

from __future__ import annotations

import re

import pytest

from expc.runtime.alphatex import check, tunes
from expc.runtime.alphatex.theory import STANDARD, pitch

TUNES = {tune.name: tune.text for tune in tunes()}
# The first notes as steps in semitones from the first, from the scores as they are commonly sung.
OPENINGS = {
    "ode_to_joy": [0, 0, 1, 3, 3, 1, 0, -2, -4, -4, -2, 0, 0, -2, -2],
    "twinkle_twinkle": [0, 0, 7, 7, 9, 9, 7, 5, 5, 4, 4, 2, 2, 0],
    "frere_jacques": [0, 2, 4, 0, 0, 2, 4, 0, 4, 5, 7],
    "greensleeves": [0, 3, 5, 7, 9, 7, 5, 2, -2, 0, 2, 3, 0, 0, -1, 0],
    "amazing_grace": [0, 5, 9, 5, 9, 7, 5, 2, 0],
    "auld_lang_syne": [0, 5, 5, 5, 9, 7, 5, 7, 9, 5, 5, 9, 12, 14],
    "silent_night": [0, 2, 0, -3, 0, 2, 0, -3, 7, 7, 4, 5, 5, 0],
    "jingle_bells": [0, 0, 0, 0, 0, 0, 0, 3, -4, -2, 0],
    "fur_elise": [0, -1, 0, -1, 0, -5, -2, -4, -7],
    "minuet_in_g": [0, -7, -5, -3, -2, 0, -7, -7],
    "korobeiniki": [0, -5, -4, -2, -4, -5, -7, -7, -4, 0, -2, -4, -5],
    "joy_to_the_world": [0, -1, -3, -5, -7, -8, -10, -12],
}


def melody(text: str) -> list[int]:
    """The pitches of the first track's single notes, ties left out."""
    track = text.split("\\tuning", 2)[1]
    places = re.findall(r"(?<![\d.:])(\d+)\.(\d)", track)
    return [pitch(STANDARD[int(string) - 1]) + int(fret) for fret, string in places]


def test_there_are_enough_and_they_are_sorted():
    assert len(TUNES) >= 20
    assert list(TUNES) == sorted(TUNES)


@pytest.mark.parametrize("name", TUNES)
def test_tune(name: str):
    text = TUNES[name]
    assert check(text) == []
    assert text.startswith('\\title "') and '\\subtitle "Transcribed from memory"\n' in text and "\\artist" in text
    assert text.count("|") / text.count("\\track") >= 8
    assert all(fret <= 12 for fret in map(int, re.findall(r"(?<![\d.:])(\d+)\.\d", text)))


@pytest.mark.parametrize("name", OPENINGS)
def test_opening(name: str):
    notes = melody(TUNES[name])
    wanted = OPENINGS[name]
    assert [note - notes[0] for note in notes[: len(wanted)]] == wanted


def test_the_second_voice_of_the_round_follows_after_two_bars():
    first, second = (track.split(")", 1)[1] for track in TUNES["frere_jacques"].split("\\tuning")[1:])
    bars_first = [" ".join(re.findall(r"[\d.]+\.\d", bar)) for bar in first.split("|")]
    bars_second = [" ".join(re.findall(r"[\d.]+\.\d", bar)) for bar in second.split("|")]
    assert bars_second[2:10] == bars_first[:8]
