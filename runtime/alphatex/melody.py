"""Parts that sing: melodies in open position, leads in a pentatonic box, and studies with a bass under the melody.

A motif is a rhythm, steps along the scale and a mark for each note that says which ornament it may get. It is drawn
once for a letter of the form, starts from a tone of each bar's chord, and so repeats as a sequence over the chords.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import theory
from .dice import Dice
from .notation import Bar, Beat, Sound
from .rhythm import QUARTER, Rhythm, cadence, fill
from .song import RESTING, Song
from .theory import Place

_MOVES = {1: 5.0, -1: 5.0, 2: 1.5, -2: 1.5, 0: 1.0, 3: 0.4}
_EFFECT_SHARE = 35  # of a hundred marks, from the lowest
_REST_MARK = 96  # and this one and those above


@dataclass(frozen=True)
class Motif:
    """`steps` are places on the scale ladder relative to the start, `marks` numbers from 0 to 99."""

    rhythm: Rhythm
    steps: tuple[int, ...]
    marks: tuple[int, ...]


def _draw(dice: Dice, rhythm: Rhythm) -> Motif:
    steps = [0]
    while len(steps) < len(rhythm):
        move = dice.weighted(_MOVES)
        if abs(steps[-1] + move) > 4:  # what has gone far comes back
            move = -move
        steps.append(steps[-1] + move)
    return Motif(rhythm, tuple(steps), tuple(dice.between(0, 99) for _ in rhythm))


def _vary(dice: Dice, motif: Motif) -> Motif:
    """The same start with another last step or two."""
    keep = max(1, len(motif.steps) - 2)
    tail = tuple(dice.between(-3, 3) for _ in motif.steps[keep:])
    return Motif(motif.rhythm, motif.steps[:keep] + tail, motif.marks)


def _motifs(dice: Dice, song: Song, density: str) -> dict[str, Motif]:
    motifs: dict[str, Motif] = {}
    for letter in song.form:
        if letter in motifs:
            continue
        if letter.islower():
            motifs[letter] = _vary(dice, motifs[letter.upper()])
        elif letter == RESTING:
            motifs[letter] = _draw(dice, cadence(dice, song.metre))
        else:
            motifs[letter] = _draw(dice, fill(dice, song.metre, density))
    return motifs


def _places(motif: Motif, ladder: tuple[Place, ...], start: int, home: int | None) -> list[Place]:
    """The motif from a start on the ladder, mirrored at its ends; a last bar ends at `home`."""
    top = len(ladder) - 1
    indexes = [top - abs(top - abs(start + step)) for step in motif.steps]
    if home is not None:
        indexes[-1] = home
        if len(indexes) > 1:
            indexes[-2] = min(home + 1, top) if indexes[-2] >= home else max(home - 1, 0)
    return [ladder[index] for index in indexes]


def melody(dice: Dice, song: Song) -> list[Bar]:
    """A tune in open position on the four upper strings."""
    ladder = tuple(place for place in theory.ladder(song.fingered, song.key.scale, 0, 4) if place.string <= 4)
    return _sing(dice, song, ladder, dice.pick(("calm", "moving", "moving")), plain=dice.chance(0.4))


def lead(dice: Dice, song: Song) -> list[Bar]:
    """A solo in the pentatonic box of the key, at times an octave up; it may end on a high bent note."""
    relative = song.key.tonic if song.key.minor else (song.key.tonic + 9) % 12
    box = theory.root_fret(theory.pitch("E2"), relative, lowest=dice.pick((3, 3, 5, 10)))
    classes = song.key.blues if song.key.minor and dice.chance(0.3) else song.key.pentatonic
    ladder = tuple(place for place in theory.ladder(song.fingered, classes, box, min(box + 3, 24)) if place.string <= 4)
    bars = _sing(dice, song, ladder, dice.pick(("moving", "busy")), plain=False)
    if dice.chance(0.5):
        bars[-1] = _scream(dice, song, bars[-1])
    return bars


def _scream(dice: Dice, song: Song, bar: Bar) -> Bar:
    high = [place for place in theory.ladder(song.fingered, song.key.pentatonic, 19, 24) if place.string == 1]
    effects = dice.pick((("v",), ("b (0 4)",), ()))
    place = dice.pick(high)
    return (*bar[:-1], Beat(bar[-1].value, (Sound(place.fret, 1, effects),)))


def _sing(dice: Dice, song: Song, ladder: tuple[Place, ...], density: str, plain: bool) -> list[Bar]:
    motifs = _motifs(dice, song, density)
    anchor = ladder[len(ladder) // 2].pitch
    tied = dice.chance(0.25)
    bars: list[Bar] = []
    last: Place | None = None
    for letter, chord in zip(song.form, song.chords, strict=True):
        motif = motifs[letter]
        start = theory.nearest(ladder, anchor, chord.tones)
        home = theory.nearest(ladder, anchor, (song.key.tonic,)) if letter == RESTING else None
        places = _places(motif, ladder, start, home)
        bar = _ornamented(motif, places, plain)
        if tied and last == places[0]:
            bar = (Beat(bar[0].value, (Sound("-", places[0].string),)), *bar[1:])
        bars.append(bar)
        last = places[-1]
    return bars


def _ornamented(motif: Motif, places: list[Place], plain: bool) -> Bar:
    beats: list[Beat] = []
    following: list[Place | None] = [*places[1:], None]
    for index, mark in enumerate(motif.marks):  # no ornament leads into a rest
        if _is_rest(mark, index, len(places)):
            following[index - 1] = None
    for index, (value, place) in enumerate(zip(motif.rhythm, places, strict=True)):
        mark = motif.marks[index]
        if _is_rest(mark, index, len(places)):
            beats.append(Beat(value))
            continue
        effects = () if plain or mark >= _EFFECT_SHARE else _effects(mark, value.ticks, place, following[index])
        beats.append(Beat(value, (Sound(place.fret, place.string, effects),)))
    return tuple(beats)


def _is_rest(mark: int, index: int, length: int) -> bool:
    return mark >= _REST_MARK and 0 < index < length - 1


def _effects(mark: int, ticks: int, place: Place, after: Place | None) -> tuple[str, ...]:
    """An ornament that the left hand can play here: legato needs the next note on the same string, a bend a fret."""
    if ticks < 2 * QUARTER and after and after.string == place.string and after.fret != place.fret:
        return ("h",) if mark < 22 else ("sl",)
    if ticks >= QUARTER:
        if place.fret >= 5 and place.string <= 3 and mark < 24:
            return (f"b ({'0 4' if mark < 14 else '0 4 0'})",)
        return ("v",) if place.fret > 0 else ("lr",)
    return ("st",) if mark < 12 else ()


def study(dice: Dice, song: Song) -> list[Bar]:
    """A melody on the upper strings over one bass note a bar, which is tied while the melody moves."""
    ladder = tuple(place for place in theory.ladder(song.fingered, song.key.scale, 0, 4) if place.string <= 2)
    held = dice.chance(0.6)
    bars = _sing(dice, song, ladder, "calm", plain=True)
    return [_with_bass(bar, chord.shape, held) for bar, chord in zip(bars, song.chords, strict=True)]


def _with_bass(bar: Bar, shape: theory.Shape, held: bool) -> Bar:
    string = max(index for index, fret in enumerate(shape, start=1) if fret is not None)
    fret = shape[string - 1]
    beats = [Beat(bar[0].value, (*bar[0].notes, Sound(fret or 0, string)))]
    for index, beat in enumerate(bar[1:], start=1):
        tie = held and index == 1 and len(beat.notes) == 1
        notes = (*beat.notes, Sound(fret or 0, string, ("t",))) if tie else beat.notes
        beats.append(Beat(beat.value, notes, beat.effects))
    return tuple(beats)
