"""Generated music for trying things out: a seed and a number in, a short song for melody, chords, bass and drums out.

Every piece has a key, a tempo, a chord progression of four bars and two melodic ideas in the form A A B A, so that there
is something to learn in the near bars and in the far ones. It is no collection of music, and is labelled as generated.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..alphatex.dice import Dice
from .song import Bar, Note, Song, in_order
from .vocabulary import DRUMS, GRID, LENGTHS, SIGNATURES, TEMPOS, VELOCITIES, bar_length, nearest

GENERATOR = 1
"""Goes up with every change that makes other pieces."""
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 0), (0, 5, 1, 4), (0, 2, 3, 4))
FORM = (0, 0, 1, 0)
LEADS, CHORDS, BASSES = (0, 40, 56, 65, 73), (4, 24, 48), (32, 33, 38)
RHYTHMS = ((0, 12, 24, 36), (0, 18, 24, 36), (0, 6, 12, 24), (0, 12, 18, 24, 36), (0, 24))
KICK, SNARE = 36, 38


def generate(seed: int, index: int) -> Song:
    """The song of that number: 16 bars of 4/4, or of 3/4 for one in five."""
    dice = Dice(f"midi {GENERATOR} {seed}/{index}")
    signature = SIGNATURES.index((3, 4) if dice.chance(0.2) else (4, 4))
    tempo, length = nearest(TEMPOS, dice.between(72, 150)), bar_length(signature)
    bars = tuple(Bar(number * length, signature, tempo) for number in range(16))
    scale, root = SCALES[dice.pick(tuple(SCALES))], dice.between(0, 11)
    harmony = dice.pick(PROGRESSIONS)
    ideas = [[_idea(dice, length) for _ in harmony] for _ in range(2)]
    chords = [[root + _tone(scale, harmony[number % 4] + third) for third in (0, 2, 4)] for number in range(16)]
    lead = [Note(bar.start + time, 60 + root + _tone(scale, harmony[number % 4] + step), held, nearest(VELOCITIES, 92))
            for number, bar in enumerate(bars) for time, step, held in ideas[FORM[number // 4]][number % 4]]
    parts = {dice.pick(LEADS): lead, dice.pick(CHORDS): list(_chords(bars, chords)),
             dice.pick(BASSES): list(_bass(bars, chords)), DRUMS: list(_drums(bars))}
    return Song(bars, {instrument: in_order(notes) for instrument, notes in sorted(parts.items())})


def _idea(dice: Dice, length: int) -> list[tuple[int, int, int]]:
    """(time, step of the scale above the chord's root, place of the length) of a bar's melody."""
    times = [time for time in dice.pick(RHYTHMS) if time < length]
    ends = [*times[1:], length]
    step, notes = dice.pick((0, 2, 4)), []
    for time, end in zip(times, ends, strict=True):
        notes.append((time, step, nearest(LENGTHS, end - time)))
        step = max(-2, min(7, step + dice.pick((-2, -1, 1, 2))))
    return notes


def _tone(scale: tuple[int, ...], step: int) -> int:
    """Semitones of a step above the key's root."""
    return 12 * (step // 7) + scale[step % 7]


def _chords(bars: tuple[Bar, ...], chords: list[list[int]]) -> Iterator[Note]:
    for bar, tones in zip(bars, chords, strict=True):
        for tone in tones:
            yield Note(bar.start, 48 + tone % 12, nearest(LENGTHS, bar.length), nearest(VELOCITIES, 60))


def _bass(bars: tuple[Bar, ...], chords: list[list[int]]) -> Iterator[Note]:
    for bar, tones in zip(bars, chords, strict=True):
        for time, tone in ((0, tones[0]), (2 * GRID, tones[2])):
            yield Note(bar.start + time, 36 + tone % 12, nearest(LENGTHS, GRID), nearest(VELOCITIES, 84))


def _drums(bars: tuple[Bar, ...]) -> Iterator[Note]:
    for bar in bars:
        for beat in range(bar.length // GRID):
            yield Note(bar.start + beat * GRID, KICK if beat % 2 == 0 else SNARE, nearest(LENGTHS, 3), nearest(VELOCITIES, 100))
