"""The staff that notes are written on: how many strings it has and which kind of notes it takes.

In: the tags that shape a staff, and its notes one by one. Out: the problem of a note, if it has one.
"""

from __future__ import annotations

import re

from .arguments import as_integer
from .lexer import NUMBER, Problem
from .parser import Beat, Meta, Note

HIGHEST_FRET = 24
_PITCH = re.compile(r"[a-gA-G](|#|##|b|bb|x|n|d|-)[0-9]+")
_FRETTED, _PITCHED, _DRUMS = "fretted", "pitched", "drums"
# General MIDI programs whose default instrument has other than six strings: basses, bowed strings, banjo and others.
_STRINGS = {**{program: 4 for program in (*range(32, 46), 48, 49, 50, 51, 107, 110)}, 105: 5, 106: 3}
_NAMED_PROGRAMS = {
    name: 32 + place
    for place, name in enumerate(
        "acousticbass electricbassfinger electricbasspick fretlessbass slapbass1 slapbass2 synthbass1 synthbass2 "
        "violin viola cello contrabass tremolostrings pizzicatostrings".split()
    )
} | {"banjo": 105, "shamisen": 106, "koto": 107, "fiddle": 110}


class Staff:
    """Strings and kind of notes so far; a kind, once there, holds for the whole staff."""

    def __init__(self, program: int = 25):
        self.program = program
        self.tuned: int | None = None
        self.kind: str | None = None

    @property
    def strings(self) -> int:
        return self.tuned if self.tuned is not None else _STRINGS.get(self.program, 6)

    def apply(self, meta: Meta) -> Problem | None:
        """Take in a \\tuning or \\instrument tag, or the instrument among a track's properties."""
        if meta.name == "tuning":
            return self._tune(meta)
        if meta.name == "instrument":
            self._play(meta.arguments[0].text)
        for effect in meta.properties:
            if effect.name == "instrument":
                self._play(effect.arguments[0].text)
        return None

    def _play(self, instrument: str) -> None:
        name = instrument.lower()
        if name == "percussion":
            self.kind = _DRUMS
        else:
            self.program = int(name) if name.isdecimal() else _NAMED_PROGRAMS.get(name, 0)

    def _tune(self, meta: Meta) -> Problem | None:
        names = [argument.text for argument in meta.arguments]
        if names[0] in ("piano", "none", "voice"):
            self.kind = _PITCHED
            return None
        if len(names) > 1 and not _PITCH.fullmatch(names[-1]):
            names.pop()  # a label for the tuning may stand last
        wrong = [name for name in names if not _PITCH.fullmatch(name)]
        if wrong:
            message = f"{wrong[0]!r} is no string of a tuning; write a note and an octave, as in E4"
            return Problem("bad-tuning", message, meta.token.line, meta.token.column)
        self.tuned = len(names)
        return None

    def problems(self, beat: Beat) -> list[Problem]:
        """What is wrong with the notes of a beat."""
        found = [problem for note in beat.notes if (problem := self._note_problem(note))]
        strings = [note.string for note in beat.notes if note.string is not None]
        if len(set(strings)) < len(strings):
            message = "a chord plays each string at most once"
            found.append(Problem("string-twice", message, beat.token.line, beat.token.column))
        return found

    def _note_problem(self, note: Note) -> Problem | None:
        code_and_message = self._kind_problem(note) or self._range_problem(note)
        if code_and_message is None:
            return None
        return Problem(*code_and_message, note.value.line, note.value.column)

    def _kind_problem(self, note: Note) -> tuple[str, str] | None:
        kind = self._kind_of(note)
        if kind is None:
            return ("not-a-note", f"{note.value.text!r} is no note; write fret.string, as in 3.2")
        if kind == _DRUMS and self.kind != _DRUMS:
            return ("missing-string", f"{note.value.text} needs its string: write {note.value.text}.1, say")
        if self.kind not in (None, kind):
            return ("mixed-notes", f"this staff holds {self.kind} notes, and {note.value.text!r} is of another kind")
        self.kind = kind
        return None

    def _kind_of(self, note: Note) -> str | None:
        if note.string is not None:
            return _FRETTED
        if note.value.text in ("x", "-"):
            return self.kind if self.kind in (_PITCHED, _DRUMS) else _DRUMS
        if note.value.kind == NUMBER or self.kind == _DRUMS:
            return _DRUMS
        return _PITCHED if _PITCH.fullmatch(note.value.text) else None

    def _range_problem(self, note: Note) -> tuple[str, str] | None:
        if note.string is None:
            return None
        if not 1 <= note.string <= self.strings:
            return ("string-range", f"string {note.string} does not exist: this staff has strings 1 to {self.strings}")
        if note.value.kind == NUMBER and not 0 <= as_integer(note.value) <= HIGHEST_FRET:
            return ("fret-range", f"fret {note.value.text} is not between 0 and {HIGHEST_FRET}")
        return None
