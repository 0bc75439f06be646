"""Judge a piece of alphaTex: `check` lists what is wrong with it, `validity` scores what a model has written.

Beyond the grammar this holds what the reference parser (alphaTab) lets pass: a piece has notes, frets lie on the neck,
a tempo is positive, a chord plays a string once, and every bar is as long as the time signature says. Where this
checker is stricter than alphaTab its codes are listed in `STRICTER`. Limits: names of drum sounds are not looked up,
`\\voicemode barwise` and some layout tags are reported as unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from .lexer import PIPE, TAG, Problem, Token, tokenize
from .parser import Bar, Beat, Meta, Tuplet, parse, tuplet_of
from .staff import Staff

STRICTER = frozenset({
    "bar-too-full", "bar-too-short", "no-notes", "fret-range", "tempo-range", "capo-range", "string-twice",
    "empty-chord", "stray-dot", "extra-argument", "dangling-duration", "unclosed-comment", "missing-string",
    "tuplet-range", "bad-tuning",
})
_COMMON_METRES = frozenset(Fraction(*metre) for metre in ((2, 4), (3, 4), (4, 4), (5, 4), (7, 8), (12, 8), (9, 8)))


@dataclass(frozen=True)
class Validity:
    """Whether text is valid as far as its last bar line; how many bars it has there, and how many are sound."""

    valid: bool
    bars: int
    sound_bars: int

    @property
    def share(self) -> float:
        """The share of sound bars, between 0 and 1; 0 where there is no bar."""
        return self.sound_bars / self.bars if self.bars else 0.0

    @property
    def score(self) -> float:
        """1.0 or 0.0: what to average over samples."""
        return 1.0 if self.valid else 0.0


def check(text: str) -> list[Problem]:
    """Everything wrong with a whole piece, in reading order; empty when it is valid. Never raises."""
    tokens, unreadable = tokenize(text)
    bars, problems = parse(tokens)
    problems += [problem for _, problem in _Reading(bars).problems()]
    if unreadable:
        problems.append(unreadable)
    elif not problems and not any(beat.notes for bar in bars for beat in bar.beats):
        problems.append(Problem("no-notes", "this piece holds no note", 1, 1))
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def validity(text: str) -> Validity:
    """Score a prompt with its completion.

    The text is cut behind its last bar line, since sampling stops in the midst of a bar. Text that begins with
    metadata is judged as a piece. Text that begins within a bar (prompts such as `| 3.2` and `(6.2 1.5).`) is judged
    as a fragment: a bar line at its start is dropped, without one the first bar may be short, and the time signature
    is the commonest bar length found if that is a usual one, else 4/4. Without a bar line nothing is valid.
    """
    tokens, unreadable = tokenize(text)
    fragment = bool(tokens) and tokens[0].kind != TAG
    opened = fragment and tokens[0].kind == PIPE
    last = max((place for place, token in enumerate(tokens) if token.kind == PIPE), default=-1)
    kept = tokens[int(opened) : last + 1]
    lost = _bars_behind(text, tokens, last, unreadable)
    bars, problems = parse(kept)
    reading = _Reading(bars, fragment, may_be_short=fragment and not opened)
    unsound = {place for place, bar in enumerate(bars) if bar.broken} | {place for place, _ in reading.problems()}
    has_notes = any(beat.notes for bar in bars for beat in bar.beats)
    valid = bool(bars) and has_notes and not (lost or problems or unsound)
    return Validity(valid, len(bars) + lost, len(bars) - len(unsound))


def _bars_behind(text: str, tokens: list[Token], last: int, unreadable: Problem | None) -> int:
    """Bar lines behind a place that cannot be read: those bars are lost, unlike a string that sampling cut off."""
    if unreadable is None:
        return 0
    return text.count("|", tokens[last].end if last >= 0 else 0)


@lru_cache(maxsize=4096)
def _length(duration: int, dots: int, tuplet: Tuplet | None) -> Fraction:
    """Of a beat, in whole notes."""
    length = Fraction(1, duration) if duration > 0 else Fraction(-duration)
    length *= (Fraction(1), Fraction(3, 2), Fraction(7, 4))[dots]
    return length * tuplet[1] / tuplet[0] if tuplet else length


class _Reading:
    """One pass over the bars of all tracks, with everything that stays in force from one to the next."""

    def __init__(self, bars: list[Bar], fragment: bool = False, may_be_short: bool = False):
        self.bars = bars
        self.fragment = fragment
        self.may_be_short = may_be_short
        self.metres: list[Fraction] = []
        self.metre_names: dict[Fraction, str] = {}
        self.pickups: set[int] = set()
        self.lengths: list[tuple[int, int, Fraction]] = []
        self.staff = Staff()
        self.position = 0
        self.duration = 4
        self.tuplet: Tuplet | None = None
        self.staff_has_bars = False

    def problems(self) -> Iterator[tuple[int, Problem]]:
        """Pairs of a bar's place in the list and a problem there."""
        for place, bar in enumerate(self.bars):
            for problem in self._read(place, bar):
                yield place, problem
        yield from self._fill_problems()

    def _read(self, place: int, bar: Bar) -> Iterator[Problem]:
        for meta in bar.metas:
            yield from self._structure(meta)
        self._reach(bar)
        length = Fraction(0)
        for beat in bar.beats:
            yield from self.staff.problems(beat)
            try:
                length += self._beat_length(beat) * beat.count
            except ZeroDivisionError:
                yield Problem("tuplet-range", "a tuplet's numbers are at least 1", beat.token.line, beat.token.column)
        if not bar.broken:
            self.lengths.append((place, self.position, length))
        self.position += 1
        self.staff_has_bars = True

    def _structure(self, meta: Meta) -> Iterator[Problem]:
        if meta.name == "track" and (self.staff_has_bars or self.metres):
            self.staff, self.position, self.tuplet, self.staff_has_bars = Staff(), 0, None, False
        elif meta.name == "staff" and self.staff_has_bars:
            self.staff, self.position, self.staff_has_bars = Staff(self.staff.program), 0, False
        elif meta.name == "voice" and self.staff_has_bars:
            self.position, self.tuplet = 0, None
        problem = self.staff.apply(meta)
        if problem:
            yield problem

    def _reach(self, bar: Bar) -> None:
        """Make the bar line up with those of other tracks, and set the time signature that it states."""
        while len(self.metres) <= self.position:
            self.metres.append(self.metres[-1] if self.metres else Fraction(1))
        for meta in bar.metas:
            if meta.name == "ts":
                self.metres[self.position] = self._metre(meta)
            elif meta.name == "ac":
                self.pickups.add(self.position)

    def _metre(self, meta: Meta) -> Fraction:
        numbers = [int(argument.number) for argument in meta.arguments if argument.number is not None]
        metre = Fraction(*numbers) if len(numbers) == 2 else Fraction(1)
        self.metre_names[metre] = "/".join(str(number) for number in numbers) or "4/4"
        return metre

    def _beat_length(self, beat: Beat) -> Fraction:
        if beat.change is not None:
            self.duration, self.tuplet = beat.change, beat.change_tuplet
        if beat.duration is not None:
            self.duration = beat.duration
        effects = beat.effects + tuple(effect for note in beat.notes for effect in note.effects)
        names = [effect.name for effect in effects]
        dots = next((len(name) for name in reversed(names) if name in ("d", "dd")), 0)
        tuplet = tuplet_of(effects) or self.tuplet
        if tuplet and min(tuplet) < 1:
            raise ZeroDivisionError
        return Fraction(0) if "gr" in names else _length(self.duration, dots, tuplet)

    def _fill_problems(self) -> Iterator[tuple[int, Problem]]:
        usual = self._usual_length() if self.fragment else None
        for place, position, length in self.lengths:
            wanted = usual or self.metres[position]
            short_is_fine = position in self.pickups or place == 0 and self.may_be_short
            if length == wanted or short_is_fine and 0 < length < wanted:
                continue
            code = "bar-too-full" if length > wanted else "bar-too-short"
            name = self.metre_names.get(wanted, "4/4" if wanted == 1 else str(wanted))
            message = f"bar {position + 1} holds {length} of a whole note, and the time signature is {name}"
            token = self.bars[place].token
            yield place, Problem(code, message, token.line, token.column)

    def _usual_length(self) -> Fraction | None:
        """Of the bars of a fragment that states no time signature; None where it does or nothing is usual."""
        if self.metre_names:
            return None
        counts = Counter(length for _, _, length in self.lengths if length in _COMMON_METRES)
        return max(counts, key=lambda length: (counts[length], length == 1, length), default=None)
