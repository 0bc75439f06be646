"""A song on the grid: what MIDI files are read into, the generator makes, and tokens are written from and decoded to."""

from __future__ import annotations

from dataclasses import dataclass

from .vocabulary import LENGTHS, SIGNATURES, TEMPOS, VELOCITIES, bar_length


@dataclass(frozen=True, order=True)
class Note:
    """One note: `start` in grid positions from the song's beginning; `length` and `velocity` are places in their tables."""

    start: int
    pitch: int
    length: int
    velocity: int

    @property
    def duration(self) -> int:
        """Grid positions that it sounds."""
        return LENGTHS[self.length]

    @property
    def loudness(self) -> int:
        """MIDI velocity."""
        return VELOCITIES[self.velocity]


@dataclass(frozen=True)
class Bar:
    """One bar: where it begins, and the places of its signature and tempo in their tables."""

    start: int
    signature: int
    tempo: int

    @property
    def length(self) -> int:
        """Grid positions from its beginning to the next one's."""
        return bar_length(self.signature)

    @property
    def beats(self) -> tuple[int, int]:
        """Its time signature."""
        return SIGNATURES[self.signature]

    @property
    def quarters_a_minute(self) -> int:
        """Its tempo."""
        return TEMPOS[self.tempo]


@dataclass(frozen=True)
class Song:
    """Bars one after another from 0, and the notes of each instrument in order of start and pitch, no two of them alike."""

    bars: tuple[Bar, ...]
    tracks: dict[int, tuple[Note, ...]]

    def in_bar(self, bar: Bar) -> dict[int, tuple[Note, ...]]:
        """The notes that begin in a bar, by instrument in ascending order; instruments that are silent are left out."""
        found = {instrument: tuple(note for note in notes if bar.start <= note.start < bar.start + bar.length)
                 for instrument, notes in sorted(self.tracks.items())}
        return {instrument: notes for instrument, notes in found.items() if notes}


def in_order(notes: list[Note]) -> tuple[Note, ...]:
    """Notes by start and pitch; of those that begin together at one pitch, the longest, and of these the loudest."""
    return tuple(sorted({(note.start, note.pitch): note for note in sorted(notes)}.values()))
