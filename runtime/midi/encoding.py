"""Songs to HID tokens and back. Bar-major: a bar's tokens stand together, so that earlier bars never hold later music.

A bar is its chord, its signature and tempo where they differ from the bar's before, then each instrument with its notes:
time once for all notes that begin together, then pitch, length and velocity of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .chords import chord_of
from .song import Bar, Note, Song, in_order
from .vocabulary import BEGIN, DRUMS, END, bar_length, meaning, token

COMMON_TIME, MODERATE = 2, 13  # 4/4 and 118 quarters a minute, where tokens begin with neither


def encode(song: Song) -> list[int]:
    """Token ids of a whole song, from BEGIN to END."""
    ids, before = [BEGIN], None
    for bar in song.bars:
        ids += _bar(song, bar, before)
        before = bar
    return [*ids, END]


def _bar(song: Song, bar: Bar, before: Bar | None) -> Iterator[int]:
    tracks = song.in_bar(bar)
    yield token("chord", chord_of(note for instrument, notes in tracks.items() if instrument != DRUMS for note in notes))
    if before is None or before.signature != bar.signature:
        yield token("signature", bar.signature)
    if before is None or before.tempo != bar.tempo:
        yield token("tempo", bar.tempo)
    for instrument, notes in tracks.items():
        yield token("instrument", instrument)
        yield from _notes(notes, bar.start)


def _notes(notes: Iterable[Note], start: int) -> Iterator[int]:
    now = None
    for note in notes:
        if note.start != now:
            yield token("time", note.start - start)
        now = note.start
        yield from (token("pitch", note.pitch), token("length", note.length), token("velocity", note.velocity))


def decode(ids: Sequence[int]) -> Song:
    """The song that tokens spell. What the grammar does not allow is passed over, so that any tokens can be listened to."""
    reader = _Reader()
    for token_id in ids:
        reader.read(*meaning(token_id))
    tracks = {instrument: in_order(notes) for instrument, notes in sorted(reader.tracks.items()) if notes}
    return Song(tuple(reader.bars), tracks)


class _Reader:
    """What has been read: the bars, each instrument's notes, and the note that is being spelt."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.tracks: dict[int, list[Note]] = {}
        self.notes: list[Note] | None = None
        self.time: int | None = None
        self.spelt: list[int] = []

    def read(self, kind: str, value: int) -> None:
        """Takes one token."""
        if kind == "chord":
            self._next_bar()
        elif kind in ("signature", "tempo") and self.bars and self.notes is None:
            last = self.bars.pop()
            self.bars.append(Bar(last.start, value if kind == "signature" else last.signature,
                                 value if kind == "tempo" else last.tempo))
        elif kind == "instrument" and self.bars:
            self.notes, self.time = self.tracks.setdefault(value, []), None
        elif kind == "time" and self.notes is not None:
            self.time = value if value < bar_length(self.bars[-1].signature) else None
        elif kind in ("pitch", "length", "velocity"):
            return self._spell(kind, value)
        self.spelt = []

    def _next_bar(self) -> None:
        last = self.bars[-1] if self.bars else Bar(0, COMMON_TIME, MODERATE)
        self.bars.append(Bar(last.start + last.length if self.bars else 0, last.signature, last.tempo))
        self.notes = self.time = None

    def _spell(self, kind: str, value: int) -> None:
        expected = ("pitch", "length", "velocity")[len(self.spelt)]
        self.spelt = [*self.spelt, value] if kind == expected else [value] if kind == "pitch" else []
        if len(self.spelt) == 3 and self.notes is not None and self.time is not None:
            pitch, length, velocity = self.spelt
            self.notes.append(Note(self.bars[-1].start + self.time, pitch, length, velocity))
        self.spelt = self.spelt if len(self.spelt) < 3 else []
