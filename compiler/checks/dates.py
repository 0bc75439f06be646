"""Whether the date of the design is a day of the calendar; its form alone lets 30 February through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ..codes.entry import entry
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "E371",
        "A date that does not exist",
        "The date is year-month-day. This one has the form, but the calendar has no such day.",
        wrong='date: "2026-02-30"',
        right='date: "2026-02-28"',
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The stated date against the calendar."""
    stated = subject.experiment.date
    if stated is None:
        return
    try:
        date.fromisoformat(stated)
    except ValueError:
        yield subject.finding("E371", f"the calendar has no {stated}", "date", "write year-month-day, such as 2026-02-04")
