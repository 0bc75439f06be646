"""Write whole pieces of alphaTex: choose a style, plan the song, let the parts play it, put it on paper.

In: a seed and an index. Out: the text of one piece, the same for ever on every machine. The texts are what the GPT
family trains on when nobody brings files: 300 to 1,200 characters, one to three tracks, bars that add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import accompaniment, melody, names, theory
from .dice import Dice
from .notation import CHANGE, COLON, EVERY, Bar, Writer
from .rhythm import FOUR_FOUR, SIX_EIGHT, THREE_FOUR, TWELVE_EIGHT, TWO_FOUR, Metre
from .song import Song, blues, plan

Player = Callable[[Dice, Song], list[Bar]]
_ACOUSTIC, _CLEAN, _DRIVEN, _BASS = (24, 25), (26, 27), (29, 30), (32, 33, 34)


@dataclass(frozen=True)
class Part:
    """A track of a style: its names, General MIDI programs (0-based) and who plays it."""

    names: tuple[str, ...]
    programs: tuple[int, ...]
    play: Player


@dataclass(frozen=True, eq=False)
class Style:
    """Tempo range in quarters a minute; `metres` with weights; the first part always plays, others join in order."""

    name: str
    tempos: tuple[int, int]
    metres: Mapping[Metre, float]
    parts: tuple[Part, ...]
    minor: float
    tunings: Mapping[theory.Tuning, float]


_STANDARD: Mapping[theory.Tuning, float] = {theory.STANDARD: 1.0}
_BASS_PART = Part(("Bass", "Bass Guitar"), _BASS, accompaniment.bass)
_STRUM_PART = Part(("Rhythm Guitar", "Acoustic Guitar", "Guitar"), _ACOUSTIC, accompaniment.strum)
_PICK_PART = Part(("Acoustic Guitar", "Nylon Guitar", "Guitar"), _ACOUSTIC, accompaniment.arpeggio)
_TUNE_PART = Part(("Melody", "Guitar", "Guitar 1"), _ACOUSTIC + _CLEAN, melody.melody)
_LEAD_PART = Part(("Lead Guitar", "Lead", "Solo Guitar"), _DRIVEN, melody.lead)
_CHUG_PART = Part(("Rhythm Guitar", "Distorted Guitar", "Guitar 1"), _DRIVEN, accompaniment.chug)
_BOOGIE_PART = Part(("Rhythm Guitar", "Blues Guitar"), _CLEAN, accompaniment.boogie)
_STUDY_PART = Part(("Classical Guitar", "Nylon Guitar"), (24,), melody.study)

STYLES: dict[Style, float] = {
    Style("rock", (96, 168), {FOUR_FOUR: 1.0}, (_CHUG_PART, _BASS_PART, _LEAD_PART), 0.8,
          {theory.STANDARD: 0.6, theory.DROP_D: 0.3, theory.HALF_STEP_DOWN: 0.1}): 4.0,
    Style("solo", (72, 144), {FOUR_FOUR: 0.9, TWELVE_EIGHT: 0.1}, (_LEAD_PART, _CHUG_PART, _BASS_PART), 0.8,
          _STANDARD): 3.0,
    Style("folk", (72, 132), {FOUR_FOUR: 0.5, THREE_FOUR: 0.2, SIX_EIGHT: 0.2, TWO_FOUR: 0.1},
          (_TUNE_PART, _PICK_PART, _BASS_PART), 0.3, _STANDARD): 5.0,
    Style("ballad", (60, 108), {FOUR_FOUR: 0.7, SIX_EIGHT: 0.3}, (_PICK_PART, _TUNE_PART, _BASS_PART), 0.5,
          _STANDARD): 3.0,
    Style("song", (84, 140), {FOUR_FOUR: 0.8, THREE_FOUR: 0.2}, (_STRUM_PART, _BASS_PART, _TUNE_PART), 0.3,
          _STANDARD): 2.0,
    Style("waltz", (96, 160), {THREE_FOUR: 1.0}, (_TUNE_PART, _PICK_PART), 0.4, _STANDARD): 2.0,
    Style("study", (66, 120), {THREE_FOUR: 0.4, FOUR_FOUR: 0.5, TWO_FOUR: 0.1}, (_STUDY_PART,), 0.5, _STANDARD): 3.0,
    Style("blues", (80, 132), {FOUR_FOUR: 1.0}, (_BOOGIE_PART, _BASS_PART), 0.0, _STANDARD): 1.5,
}
_TRACKS = {1: 50.0, 2: 38.0, 3: 12.0}
_BARS = {1: {8: 0.8, 6: 0.1, 4: 0.1}, 2: {8: 0.5, 4: 0.3, 6: 0.2}, 3: {4: 0.8, 6: 0.2}}
_SECTIONS = ("Intro", "Verse", "Chorus", "Theme", "A")


def generate_piece(seed: int, index: int) -> str:
    """The text of piece `index` of the corpus `seed`; ends with a bar line and a newline."""
    dice = Dice(f"expc alphatex 1 {seed} {index}")
    style = dice.weighted(STYLES)
    tracks = min(dice.weighted(_TRACKS), len(style.parts))
    song = _plan(dice, style, tracks)
    writer = Writer(dice.weighted({COLON: 0.5, EVERY: 0.25, CHANGE: 0.25}), repeats=dice.chance(0.4))
    header = [f'\\title "{names.title(dice, style.name, song.key)}"']
    if dice.chance(0.85):
        header.append(f'\\artist "{names.artist(dice)}"')
    header.append(f"\\tempo {dice.between(*style.tempos) // 2 * 2}")
    lines = header
    for number, part in enumerate(style.parts[:tracks]):
        lines += _track(dice, song, part, writer, number, alone=tracks == 1)
    return "\n".join(lines) + "\n"


def _plan(dice: Dice, style: Style, tracks: int) -> Song:
    if style.name == "blues":
        return blues(dice, 12 if tracks == 1 else 8)
    metre = dice.weighted(style.metres)
    keys = theory.MINOR_KEYS if dice.chance(style.minor) else theory.MAJOR_KEYS
    return plan(dice, keys, metre, dice.weighted(_BARS[tracks]), dice.weighted(style.tunings))


def _track(dice: Dice, song: Song, part: Part, writer: Writer, number: int, alone: bool) -> list[str]:
    tuning = song.tuning
    if part.play is accompaniment.bass:
        tuning = theory.BASS_HALF_STEP_DOWN if tuning == theory.HALF_STEP_DOWN else theory.BASS
    name = dice.pick(part.names)
    short = "".join(word[0] for word in name.split())
    named = f'\\track ("{name}" "{short}")' if dice.chance(0.15) else f'\\track "{name}"'
    lines = [named, "\\staff {score tabs}" if dice.chance(0.85) else "\\staff {tabs}"]
    lines.append(f"\\instrument {dice.pick(part.programs)}")
    lines.append(f"\\tuning ({' '.join(tuning)})")
    if alone and part.programs == _ACOUSTIC and dice.chance(0.3):
        lines.append(f"\\capo {dice.between(1, 5)}")
    bars = [writer.bar(bar) for bar in part.play(dice, song)]
    if number > 0:  # metre, key and repeats are said once, in the first track
        return lines + _lines(bars)
    return lines + _first_bar_tags(dice, song) + _lines(_repeated(dice, bars))


def _first_bar_tags(dice: Dice, song: Song) -> list[str]:
    tags: list[str] = []
    if song.metre != FOUR_FOUR or dice.chance(0.2):
        tags.append(f"\\ts ({song.metre.numerator} {song.metre.denominator})")
    if song.tuning != theory.HALF_STEP_DOWN and dice.chance(0.4):
        tags.append(f"\\ks {song.key.signature}")
    if dice.chance(0.15):
        tags.append(f'\\section "{dice.pick(_SECTIONS)}"')
    return [" ".join(tags)] if tags else []


def _repeated(dice: Dice, bars: list[str]) -> list[str]:
    """At times the first half, or the whole, between repeat signs."""
    if not dice.chance(0.15):
        return bars
    end = dice.pick((len(bars) // 2, len(bars)))
    marked = ["\\ro " + bars[0], *bars[1:]]
    marked[end - 1] = f"\\rc 2 {marked[end - 1]}"
    return marked


def _lines(bars: list[str]) -> list[str]:
    """Two bars on a line, four where they are short."""
    together = 4 if sum(len(bar) for bar in bars) < 20 * len(bars) else 2
    return [" | ".join(bars[start : start + together]) + " |" for start in range(0, len(bars), together)]
