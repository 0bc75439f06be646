"""Whether every note is about something that the spec has: the documents print it beside that."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..diagnostics import Diagnostic, nearest
from ..differences import leaves
from .subject import Subject

CODES = (
    entry(
        "E370",
        "A note about nothing",
        "`notes` gives reasons by section or key, and the documents print each beside what it is about. A key that the "
        "resolved spec does not have would leave the note without a place.",
        wrong="notes: [{about: optimizer.matrx_lr, text: Because.}]",
        right="notes: [{about: optimizer.matrix_lr, text: Because.}]",
    ),
    entry(
        "E372",
        "Two notes about the same key",
        "The documents print one reason beside a section or key. Two of them, written at different times, tend to "
        "contradict each other.",
        wrong="notes: [{about: seed, text: One reason.}, {about: seed, text: Another reason.}]",
        right="notes: [{about: seed, text: One reason. Another reason.}]",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The key of each note against the resolved spec, and against the notes before it."""
    first: dict[str, int] = {}
    known: list[str] = []
    for index, note in enumerate(subject.experiment.notes):
        if first.setdefault(note.about, index) != index:
            yield subject.finding("E372", f'a second note about "{note.about}"', f"notes.{index}.about",
                                  "join their texts", [f"notes.{first[note.about]}.about"])
        if subject.resolved.node(note.about) is None:
            near = nearest(note.about, known := known or _sections_and_keys(subject))
            yield subject.finding("E370", f'there is no "{note.about}" in this spec', f"notes.{index}.about",
                                  f'did you mean "{near}"?' if near else "name a section or a key of the spec")


def _sections_and_keys(subject: Subject) -> list[str]:
    """Of several that are as near, the same one is always named: the order is that of the spec."""
    sections = {name: one for name, one in subject.resolved.plain().items() if name != "notes"}
    keys = [key for key, _ in leaves(sections)]
    return list(dict.fromkeys(one for key in keys for one in (key, key.rpartition(".")[0], key.split(".")[0]) if one))
