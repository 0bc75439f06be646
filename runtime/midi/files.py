"""MIDI files to songs and back, through symusic. What the encoding cannot say is rounded to the grid, or the file refused."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import symusic

from .song import Bar, Note, Song, in_order
from .vocabulary import DRUMS, GRID, LENGTHS, SIGNATURES, TEMPOS, VELOCITIES, nearest

SUFFIXES = (".mid", ".midi")
MOST_BARS = 10_000


class Unreadable(ValueError):
    """A file that is no MIDI, or that holds what the encoding cannot say; the message says which."""


def midi_files(folder: Path) -> list[Path]:
    """All MIDI files below a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def read(path: Path) -> Song:
    """The song of a file. Raises `Unreadable`."""
    try:
        whole: Any = symusic.Score(str(path))  # its type is a factory whose result has no name for checkers
        score = whole.resample(GRID, min_dur=1)
    except Exception as error:  # symusic has no class of its own for broken files
        raise Unreadable(f"no readable MIDI ({str(error).splitlines()[0] if str(error) else type(error).__name__})") from error
    tracks: dict[int, list[Note]] = {}
    for track in score.tracks:
        notes = tracks.setdefault(DRUMS if track.is_drum else track.program, [])
        notes += [Note(note.start, note.pitch, nearest(LENGTHS, note.duration), nearest(VELOCITIES, note.velocity))
                  for note in track.notes if note.start >= 0]
    tracks = {instrument: notes for instrument, notes in sorted(tracks.items()) if notes}
    if not tracks:
        raise Unreadable("no notes")
    last = max(note.start for notes in tracks.values() for note in notes)
    return Song(_bars(score, last), {instrument: in_order(notes) for instrument, notes in tracks.items()})


def _bars(score: symusic.core.ScoreTick, last: int) -> tuple[Bar, ...]:
    """Bars up to the one that the last note begins in; a change inside of a bar holds from the next bar on."""
    signatures = [(one.time, _signature(one)) for one in score.time_signatures]
    tempos = [(one.time, nearest(TEMPOS, one.qpm)) for one in score.tempos]
    bars, start = list[Bar](), 0
    while start <= last:
        bars.append(Bar(start, _in_force(signatures, start, SIGNATURES.index((4, 4))),
                        _in_force(tempos, start, nearest(TEMPOS, 120))))
        start += bars[-1].length
        if len(bars) > MOST_BARS:
            raise Unreadable(f"more than {MOST_BARS:,} bars")
    return tuple(bars)


def _signature(one: symusic.core.TimeSignatureTick) -> int:
    said = (one.numerator, one.denominator)
    if said not in SIGNATURES:
        raise Unreadable(f"a time signature of {one.numerator}/{one.denominator}, which the encoding does not have")
    return SIGNATURES.index(said)


def _in_force(changes: Sequence[tuple[int, int]], time: int, default: int) -> int:
    """What the last change up to a time set; the default before the first one (which MIDI says is 4/4 at 120)."""
    ordered = sorted(changes, key=lambda change: change[0])
    place = bisect_right(ordered, time, key=lambda change: change[0])
    return ordered[place - 1][1] if place else default


def write(song: Song, path: Path) -> None:
    """A standard MIDI file of the song, one track an instrument."""
    score: Any = symusic.Score(GRID)
    before: Bar | None = None
    for bar in song.bars:
        if before is None or before.signature != bar.signature:
            score.time_signatures.append(symusic.TimeSignature(bar.start, *bar.beats))
        if before is None or before.tempo != bar.tempo:
            score.tempos.append(symusic.Tempo(bar.start, bar.quarters_a_minute))
        before = bar
    for instrument, notes in song.tracks.items():
        drums = instrument == DRUMS
        track: Any = symusic.Track("Drums" if drums else f"Program {instrument + 1}", 0 if drums else instrument, drums)
        for note in notes:
            track.notes.append(symusic.Note(note.start, note.duration, note.pitch, note.loudness))
        score.tracks.append(track)
    score.dump_midi(str(path))
