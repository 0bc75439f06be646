"""Semantic checks: a subject in, findings out. One file a check (or a tight group), listed in `CHECKS` in order.

A check is a module with `CODES` (their entries in the handbook, whose examples are overlays on a whole spec) and
`check(subject)`, which yields diagnostics. Errors are for runs that cannot be what their spec says, warnings for what is
doubtful; each message carries the computed figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from ..diagnostics import Diagnostic
from . import (
    architecture,
    batch,
    comparison,
    data,
    launch_names,
    memory,
    metrics,
    notes,
    parent,
    phases,
    rate_jump,
    scenarios,
    schedule,
    suites,
)
from .subject import Subject

CHECKS: tuple[ModuleType, ...] = (architecture, data, batch, schedule, phases, parent, rate_jump, memory, suites, metrics,
                                  scenarios, comparison, launch_names, notes)


def run(subject: Subject) -> Iterator[Diagnostic]:
    """The findings of every check."""
    for one in CHECKS:
        yield from one.check(subject)
