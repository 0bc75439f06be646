"""Parts that accompany: riffs of power chords, boogie, strumming, finger picking and bass lines.

Each part is a function of dice and song that returns one bar of beats for each bar of the song. A pattern is drawn
once for each letter of the form and played on the chord of every bar that has this letter.
"""

from __future__ import annotations

from collections.abc import Callable

from . import theory
from .dice import Dice
from .notation import Bar, Beat, Sound
from .rhythm import Rhythm, cadence, even, fill, whole_bar
from .song import RESTING, Song
from .theory import Chord

Pattern = Callable[[Chord], Bar]


def _play(song: Song, draw: Callable[[str], Pattern]) -> list[Bar]:
    """Draw a pattern for each letter when it first comes (small letters have their own), then play all bars."""
    patterns: dict[str, Pattern] = {}
    for letter in song.form:
        if letter not in patterns:
            patterns[letter] = draw(letter)
    return [patterns[letter](chord) for letter, chord in zip(song.form, song.chords, strict=True)]


def chug(dice: Dice, song: Song) -> list[Bar]:
    """Power chords between palm-muted low notes."""
    dropped = song.tuning == theory.DROP_D
    busy = dice.chance(0.35)
    accents = dice.pick(("10010010", "10001000", "10010100", "11010010", "10000011"))
    mute = ("pm",) if dice.chance(0.75) else ()

    def draw(letter: str) -> Pattern:
        shifted = accents if letter in "AZ" else accents[4:] + accents[:4]
        if letter == RESTING:
            values = cadence(dice, song.metre)
        elif letter == "B" or busy:
            values = fill(dice, song.metre, "busy" if busy else "moving")
        else:
            values = even(song.metre, 8)

        def bar(chord: Chord) -> Bar:
            stab = tuple(Sound(fret, string) for fret, string in theory.power_chord(chord.root, dropped))
            low = (Sound(stab[0].fret, stab[0].string, mute),)
            loud = [shifted[index % 8] == "1" or value.denominator <= 4 for index, value in enumerate(values)]
            return tuple(Beat(value, stab if on else low) for value, on in zip(values, loud, strict=True))

        return bar

    return _play(song, draw)


def boogie(dice: Dice, song: Song) -> list[Bar]:
    """The shuffle of a blues: root with fifth and sixth in turn."""
    steps = dice.pick(((2, 2, 4, 4), (2, 4, 2, 4), (2, 2, 4, 2)))

    def draw(letter: str) -> Pattern:
        turn = steps if letter != "a" else steps[::-1]
        values = cadence(dice, song.metre) if letter == RESTING else even(song.metre, 8)

        def bar(chord: Chord) -> Bar:
            fret, string = _low_root(chord.root)
            upper = [fret + turn[index % 4] for index in range(len(values))]
            return tuple(
                Beat(value, (Sound(fret, string), Sound(upper[index], string - 1)))
                for index, value in enumerate(values)
            )

        return bar

    return _play(song, draw)


def _low_root(root: int) -> tuple[int, int]:
    """(fret, string) of the lowest-fretted root on strings 4 to 6."""
    places = [(theory.root_fret(theory.pitch(theory.STANDARD[string - 1]), root), string) for string in (6, 5, 4)]
    return min(places)


def strum(dice: Dice, song: Song) -> list[Bar]:
    """Chord shapes: the first stroke of a bar on all strings, the others on the upper ones."""
    named = dice.chance(0.6)
    brushed = dice.chance(0.35)
    strings = dice.pick((3, 3, 4))

    def draw(letter: str) -> Pattern:
        values = cadence(dice, song.metre) if letter == RESTING else fill(dice, song.metre, "calm")

        def bar(chord: Chord) -> Bar:
            full = _sounds(chord)
            upper = full[:strings]
            beats = [Beat(value, upper, ("bu",) if brushed and index % 2 else ()) for index, value in enumerate(values)]
            effects = (f'ch "{chord.name}"',) * named + ("bd",) * brushed
            return (Beat(values[0], full, effects), *beats[1:])

        return bar

    return _play(song, draw)


def _sounds(chord: Chord) -> tuple[Sound, ...]:
    return tuple(Sound(fret, string) for string, fret in enumerate(chord.shape, start=1) if fret is not None)


def arpeggio(dice: Dice, song: Song) -> list[Bar]:
    """Finger picking through chord shapes: the bass note, then the upper strings in a fixed order."""
    ring = ("lr",) if dice.chance(0.3) else ()
    orders = {letter: _picking_order(dice) for letter in "AB"}
    pinch = dice.chance(0.3)

    def draw(letter: str) -> Pattern:
        order = orders.get(letter.upper(), orders["A"])
        values: Rhythm = even(song.metre, 8) if letter != RESTING else whole_bar(song.metre)

        def bar(chord: Chord) -> Bar:
            sounds = {sound.string: sound for sound in _sounds(chord)}
            bass = Sound(sounds[max(sounds)].fret, max(sounds), ring)
            if letter == RESTING:
                return (Beat(values[0], _sounds(chord), ('ch "' + chord.name + '"',) if ring else ()),)
            first = (sounds[1], bass) if pinch else (bass,)
            upper = [Sound(sounds[order[index % len(order)]].fret, order[index % len(order)], ring)
                     for index in range(len(values) - 1)]
            rest = [Beat(value, (sound,)) for value, sound in zip(values[1:], upper, strict=True)]
            return (Beat(values[0], first), *rest)

        return bar

    return _play(song, draw)


def _picking_order(dice: Dice) -> tuple[int, ...]:
    orders = ((3, 2, 1, 2, 3), (3, 2, 1, 3, 2), (2, 3, 1, 3, 2), (3, 1, 2, 1, 3), (2, 1, 3, 2, 1), (3, 2, 3, 1, 2))
    return dice.pick(orders)


def bass(dice: Dice, song: Song) -> list[Bar]:
    """Root, fifth and octave under the chords, on a four-string bass."""
    slap = dice.chance(0.15)
    walk = dice.pick(("RRRRRRRR", "RRRR5555", "RR85RR85", "R5R5R5R5", "R8R8R8R8", "RRR5RR8R"))
    shape = fill(dice, song.metre, "moving") if dice.chance(0.5) else even(song.metre, dice.pick((4, 8)))

    def draw(letter: str) -> Pattern:
        steps = walk if letter.isupper() else walk[::-1].replace("8", "5")
        values = cadence(dice, song.metre) if letter == RESTING else shape

        def bar(chord: Chord) -> Bar:
            places = _bass_places(chord.root)
            chosen = ["R" if index == 0 else steps[index % 8] for index in range(len(values))]
            effects = {"R": ("s",), "8": ("p",)} if slap else {}
            return tuple(
                Beat(value, (Sound(*places[step]),), effects.get(step, ()))
                for value, step in zip(values, chosen, strict=True)
            )

        return bar

    return _play(song, draw)


def _bass_places(root: int) -> dict[str, tuple[int, int]]:
    """(fret, string) of root, fifth and octave."""
    low, high = (theory.root_fret(theory.pitch(theory.BASS[string - 1]), root) for string in (4, 3))
    fret, string = (low, 4) if low <= high else (high, 3)
    return {"R": (fret, string), "5": (fret + 2, string - 1), "8": (fret + 2, string - 2)}
