"""Pitches, scales, chord shapes and fretboard positions of the guitar.

Pitches are MIDI numbers (60 is C4), pitch classes 0 to 11 from C. Strings count from 1, the highest. A shape is six
frets from string 1 to string 6, None where a string is not played.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
PITCH_CLASS_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
MAJOR_PENTATONIC = (0, 2, 4, 7, 9)
MINOR_PENTATONIC = (0, 3, 5, 7, 10)
BLUES = (0, 3, 5, 6, 7, 10)

Tuning = tuple[str, ...]
STANDARD: Tuning = ("E4", "B3", "G3", "D3", "A2", "E2")
DROP_D: Tuning = ("E4", "B3", "G3", "D3", "A2", "D2")
HALF_STEP_DOWN: Tuning = ("Eb4", "Bb3", "Gb3", "Db3", "Ab2", "Eb2")
BASS: Tuning = ("G2", "D2", "A1", "E1")
BASS_HALF_STEP_DOWN: Tuning = ("Gb2", "Db2", "Ab1", "Eb1")

Shape = tuple[int | None, ...]


def pitch(name: str) -> int:
    """`E4` is 64; `Eb4` 63."""
    letter, octave = name[0], int(name[-1])
    return _LETTERS[letter] + name.count("#") - name[1:].count("b") + 12 * (octave + 1)


def _shape(text: str) -> Shape:
    """From the usual notation, low E first: `x32010`."""
    return tuple(None if fret == "x" else int(fret) for fret in reversed(text))


SHAPES: dict[str, Shape] = {
    name: _shape(frets)
    for name, frets in {
        "C": "x32010", "D": "xx0232", "E": "022100", "F": "133211", "G": "320003", "A": "x02220", "B": "x24442",
        "Bb": "x13331", "F#": "244322", "Am": "x02210", "Bm": "x24432", "Cm": "x35543", "C#m": "x46654",
        "Dm": "xx0231", "Em": "022000", "F#m": "244222", "Gm": "355333", "G#m": "466444", "A7": "x02020",
        "B7": "x21202", "C7": "x32310", "D7": "xx0212", "E7": "020100", "G7": "320001", "F#7": "242322",
    }.items()
}


@dataclass(frozen=True)
class Chord:
    """`root` is a pitch class; `tones` are the pitch classes of the triad, root first."""

    name: str
    root: int
    tones: tuple[int, int, int]

    @property
    def shape(self) -> Shape:
        return SHAPES[self.name]


@dataclass(frozen=True)
class Key:
    """A major or minor key; `tonic` is a pitch class."""

    tonic: int
    minor: bool

    @property
    def scale(self) -> tuple[int, ...]:
        return tuple((self.tonic + step) % 12 for step in (MINOR if self.minor else MAJOR))

    @property
    def pentatonic(self) -> tuple[int, ...]:
        return tuple((self.tonic + step) % 12 for step in (MINOR_PENTATONIC if self.minor else MAJOR_PENTATONIC))

    @property
    def blues(self) -> tuple[int, ...]:
        return tuple((self.tonic + step) % 12 for step in BLUES)

    @property
    def name(self) -> str:
        """As a title has it: `A Minor`."""
        return f"{PITCH_CLASS_NAMES[self.tonic]} {'Minor' if self.minor else 'Major'}"

    @property
    def signature(self) -> str:
        """As `\\ks` wants it: `G`, `Aminor`."""
        return PITCH_CLASS_NAMES[self.tonic] + ("minor" if self.minor else "")

    def chord(self, degree: int) -> Chord:
        """The triad on a degree of the scale, 1 to 7 (the diminished one is not used)."""
        root, third, fifth = (self.scale[(degree - 1 + step) % 7] for step in (0, 2, 4))
        minor = (third - root) % 12 == 3
        return Chord(PITCH_CLASS_NAMES[root] + ("m" if minor else ""), root, (root, third, fifth))

    def seventh(self, degree: int) -> Chord:
        """A dominant seventh chord on a degree: the three chords of a blues."""
        root = self.scale[degree - 1]
        return Chord(PITCH_CLASS_NAMES[root] + "7", root, (root, (root + 4) % 12, (root + 7) % 12))


MAJOR_KEYS = tuple(Key(_LETTERS[name], False) for name in "CGDAEF")
MINOR_KEYS = tuple(Key(tonic, True) for tonic in (9, 4, 2, 11, 6))
BLUES_KEYS = tuple(Key(_LETTERS[name], False) for name in "AE")
MAJOR_PROGRESSIONS = ((1, 5, 6, 4), (1, 4, 5, 1), (1, 6, 4, 5), (1, 4, 1, 5), (6, 4, 1, 5), (1, 5, 4, 1), (1, 3, 4, 5))
MINOR_PROGRESSIONS = ((1, 6, 3, 7), (1, 4, 5, 1), (1, 7, 6, 7), (1, 6, 7, 1), (1, 3, 7, 4), (1, 4, 7, 3))
TWELVE_BARS = (1, 1, 1, 1, 4, 4, 1, 1, 5, 4, 1, 1)
EIGHT_BARS = (1, 5, 4, 4, 1, 5, 1, 1)


@dataclass(frozen=True)
class Place:
    """A place on the neck and the pitch that sounds there."""

    pitch: int
    string: int
    fret: int


@lru_cache(maxsize=1024)
def ladder(tuning: Tuning, classes: tuple[int, ...], low: int, high: int) -> tuple[Place, ...]:
    """The notes of a scale in a position (frets `low` to `high`), each pitch once (open strings first), upwards."""
    found: dict[int, Place] = {}
    for string in range(len(tuning), 0, -1):
        open_pitch = pitch(tuning[string - 1])
        for fret in range(low, high + 1):
            sounding = open_pitch + fret
            if sounding % 12 in classes:
                found[sounding] = Place(sounding, string, fret)
    return tuple(found[sounding] for sounding in sorted(found))


def nearest(places: tuple[Place, ...], target: int, classes: tuple[int, ...]) -> int:
    """The index of the place nearest in pitch to `target` among those of the pitch classes; of all if none is."""
    wanted = [index for index, place in enumerate(places) if place.pitch % 12 in classes]
    return min(wanted or range(len(places)), key=lambda index: (abs(places[index].pitch - target), index))


def root_fret(open_pitch: int, root: int, lowest: int = 0) -> int:
    """The lowest fret not below `lowest` that sounds the pitch class on a string."""
    return lowest + (root - open_pitch - lowest) % 12


def power_chord(root: int, dropped: bool) -> tuple[tuple[int, int], ...]:
    """Root, fifth and octave as (fret, string) from the lowest string up; one finger in a dropped tuning."""
    if dropped:
        fret = root_fret(pitch("D2"), root)
        return ((fret, 6), (fret, 5), (fret, 4))
    sixth, fifth = root_fret(pitch("E2"), root), root_fret(pitch("A2"), root)
    if sixth <= fifth:
        return ((sixth, 6), (sixth + 2, 5), (sixth + 2, 4))
    return ((fifth, 5), (fifth + 2, 4), (fifth + 2, 3))
