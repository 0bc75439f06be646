"""Beats in, alphaTex out: the ways in which people write durations, effects and repeated beats."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from .rhythm import Value

COLON, EVERY, CHANGE = "colon", "every", "change"


@dataclass(frozen=True)
class Sound:
    """One note: `fret` is a number, `x` (dead) or `-` (tied)."""

    fret: int | str
    string: int
    effects: tuple[str, ...] = ()

    def text(self, more: tuple[str, ...] = ()) -> str:
        effects = self.effects + more
        return f"{self.fret}.{self.string}" + (f"{{{' '.join(effects)}}}" if effects else "")


@dataclass(frozen=True)
class Beat:
    """Notes that start together, or a rest where there are none; `effects` belong to the whole beat."""

    value: Value
    notes: tuple[Sound, ...] = ()
    effects: tuple[str, ...] = ()


Bar = tuple[Beat, ...]


@dataclass(frozen=True)
class Writer:
    """How a piece is written: `durations` as `:8` before the notes (colon), as `.8` on each beat (every) or where the
    value changes (change); `repeats`: three or more equal beats as one with `*3`. Each bar states its first duration.
    """

    durations: str
    repeats: bool

    def bar(self, beats: Bar) -> str:
        parts: list[str] = []
        current = 0
        for beat, group in groupby(beats):
            count = len(list(group))
            if self.repeats and count >= 3:
                parts.append(self._beat(beat, current) + f"*{count}")
            else:
                parts.append(self._beat(beat, current))
                parts += [self._beat(beat, beat.value.denominator) for _ in range(count - 1)]
            current = beat.value.denominator
        return " ".join(parts)

    def _beat(self, beat: Beat, current: int) -> str:
        value = beat.value
        effects = beat.effects + ("d",) * value.dotted + ("tu 3",) * value.triplet
        changed = value.denominator != current
        if self.durations == EVERY or self.durations == CHANGE and changed:
            return f"{_content(beat)}.{value.denominator}" + (f"{{{' '.join(effects)}}}" if effects else "")
        before = f":{value.denominator} " if changed else ""
        return before + _content(beat, effects)


def _content(beat: Beat, effects: tuple[str, ...] = ()) -> str:
    """The notes; effects of the beat go into a lone note's own braces when no duration stands between."""
    if len(beat.notes) == 1:
        return beat.notes[0].text(effects)
    text = f"({' '.join(note.text() for note in beat.notes)})" if beat.notes else "r"
    return text + (f"{{{' '.join(effects)}}}" if effects else "")
