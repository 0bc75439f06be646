"""Note values and rhythms that fill a bar exactly.

Lengths are integers in ticks, 960 to a quarter note, so that triplets are exact too. A bar is made of cells of one or
two pulses each; every cell of a table has the same length.
"""

from __future__ import annotations

from dataclasses import dataclass

from .dice import Dice

QUARTER = 960


@dataclass(frozen=True)
class Value:
    """A note value: `denominator` 4 is a quarter note; `dotted` adds a half; `triplet`: three in the time of two."""

    denominator: int
    dotted: bool = False
    triplet: bool = False

    @property
    def ticks(self) -> int:
        ticks = 4 * QUARTER // self.denominator
        if self.dotted:
            ticks += ticks // 2
        return ticks * 2 // 3 if self.triplet else ticks


@dataclass(frozen=True)
class Metre:
    """A time signature and its pulse: `pulses` pulses of three eighths if `compound`, else of a quarter."""

    numerator: int
    denominator: int
    pulses: int
    compound: bool = False

    @property
    def ticks(self) -> int:
        return 4 * QUARTER * self.numerator // self.denominator


FOUR_FOUR = Metre(4, 4, 4)
THREE_FOUR = Metre(3, 4, 3)
TWO_FOUR = Metre(2, 4, 2)
SIX_EIGHT = Metre(6, 8, 2, compound=True)
TWELVE_EIGHT = Metre(12, 8, 4, compound=True)

Rhythm = tuple[Value, ...]


def rhythm(text: str) -> Rhythm:
    """`4. 8 8t` reads as dotted quarter, eighth, triplet eighth."""
    return tuple(
        Value(int(word.rstrip(".t")), dotted=word.endswith("."), triplet=word.endswith("t")) for word in text.split()
    )


def _cells(*texts: str) -> tuple[Rhythm, ...]:
    return tuple(rhythm(text) for text in texts)


# (cells of one pulse, cells of two pulses), from calm to busy.
_SIMPLE = {
    "calm": (_cells("4", "4", "8 8"), _cells("2", "4. 8", "4 4", "4 8 8")),
    "moving": (_cells("8 8", "8 8", "4", "8. 16"), _cells("8 8 8 8", "4. 8", "8 4 8", "4 8 8", "8 8 4")),
    "busy": (
        _cells("8 8", "16 16 16 16", "8 16 16", "16 16 8", "8t 8t 8t"),
        _cells("8 8 8 8", "8 16 16 8 8", "8. 16 8 8", "16 16 16 16 8 8"),
    ),
}
_COMPOUND = {
    "calm": (_cells("4.", "4 8"), _cells("2.", "4. 4.", "4 8 4.")),
    "moving": (_cells("8 8 8", "4 8", "4."), _cells("4 8 4 8", "8 8 8 4.", "4. 8 8 8")),
    "busy": (_cells("8 8 8", "8 8 16 16", "8. 16 8"), _cells("8 8 8 8 8 8", "8. 16 8 8 8 8")),
}
_WHOLE = {
    (4, 4): "1", (3, 4): "2.", (2, 4): "2", (6, 8): "2.", (12, 8): "1.",
}


def fill(dice: Dice, metre: Metre, density: str) -> Rhythm:
    """A rhythm that fills one bar; `density` is calm, moving or busy. Two-pulse cells start on odd pulses."""
    single, double = (_COMPOUND if metre.compound else _SIMPLE)[density]
    values: list[Value] = []
    pulse = 0
    while pulse < metre.pulses:
        if pulse % 2 == 0 and pulse + 2 <= metre.pulses and dice.chance(0.6):
            values += dice.pick(double)
            pulse += 2
        else:
            values += dice.pick(single)
            pulse += 1
    return tuple(values)


def even(metre: Metre, denominator: int) -> Rhythm:
    """As many equal notes as fill the bar."""
    value = Value(denominator)
    return (value,) * (metre.ticks // value.ticks)


def cadence(dice: Dice, metre: Metre) -> Rhythm:
    """The rhythm of a last bar: it comes to rest on a long note."""
    endings = {
        (4, 4): ("1", "2 2", "4 4 2", "8 8 4 2"), (3, 4): ("2.", "4 2", "8 8 2"), (2, 4): ("2", "4 4", "8 8 4"),
        (6, 8): ("2.", "4. 4.", "8 8 8 4."), (12, 8): ("1.", "2. 2.", "4. 4. 2."),
    }
    return rhythm(dice.pick(endings[metre.numerator, metre.denominator]))


def whole_bar(metre: Metre) -> Rhythm:
    """One note, or rest, as long as the bar."""
    return rhythm(_WHOLE[metre.numerator, metre.denominator])
