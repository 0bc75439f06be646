"""The plan of a piece that all its parts share: key, metre, chords and form.

The form is a letter for each bar: equal letters take the same motif (on the chord of their bar), a small letter is a
variation of its capital, and the last bar, `Z`, comes to rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import theory
from .dice import Dice
from .rhythm import FOUR_FOUR, Metre
from .theory import Chord, Key

_FORMS = {
    4: ("AABZ", "ABAZ", "AaAZ", "AAAZ"),
    6: ("AABABZ", "ABABAZ", "AaBBaZ"),
    8: ("ABACABAZ", "AABaAABZ", "AABBAABZ", "AaAaBBAZ", "ABABCCAZ"),
    12: ("AAAaBBAACBAZ", "AaAaBBAaCBAZ"),
}
RESTING = "Z"


@dataclass(frozen=True)
class Song:
    key: Key
    metre: Metre
    chords: tuple[Chord, ...]
    form: str
    tuning: theory.Tuning

    @property
    def fingered(self) -> theory.Tuning:
        """The tuning that fingers think in: half a step down is played as if it were the standard one."""
        return theory.STANDARD if self.tuning == theory.HALF_STEP_DOWN else self.tuning


def plan(dice: Dice, keys: tuple[Key, ...], metre: Metre, bars: int, tuning: theory.Tuning) -> Song:
    """A song in one of the keys, on a common progression of its mode, ending on the tonic."""
    key = dice.pick(keys)
    degrees = dice.pick(theory.MINOR_PROGRESSIONS if key.minor else theory.MAJOR_PROGRESSIONS)
    chords = [key.chord(degrees[bar % 4]) for bar in range(bars - 1)] + [key.chord(1)]
    return Song(key, metre, tuple(chords), dice.pick(_FORMS[bars]), tuning)


def blues(dice: Dice, bars: int) -> Song:
    """Eight or twelve bars of blues in A or E."""
    key = dice.pick(theory.BLUES_KEYS)
    degrees = theory.TWELVE_BARS if bars == 12 else theory.EIGHT_BARS
    chords = tuple(key.seventh(degree) for degree in degrees)
    return Song(key, FOUR_FOUR, chords, dice.pick(_FORMS[bars]), theory.STANDARD)
