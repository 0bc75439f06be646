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
    best,
    claimed_changes,
    claimed_counts,
    claimed_losses,
    claimed_machines,
    claimed_memory,
    claimed_time,
    claimed_twice,
    command,
    comparison,
    continuation,
    data,
    dates,
    glyph_vae,
    guards,
    launch_names,
    meaning,
    memory,
    metrics,
    milestones,
    musicgen_lora,
    nanochat,
    notes,
    parent,
    phases,
    promises,
    randomness,
    rate_jump,
    retention,
    scenarios,
    schedule,
    secrets,
    series,
    starting_point,
    suites,
    targets,
    timbre_restore,
    watching,
)
from .subject import Subject

CHECKS: tuple[ModuleType, ...] = (architecture, data, batch, schedule, phases, parent, rate_jump, retention, memory, suites,
                                  metrics, guards, milestones, promises, scenarios, comparison, launch_names, dates, notes,
                                  continuation, randomness, targets, starting_point, meaning, claimed_counts, claimed_machines,
                                  claimed_time, claimed_memory, claimed_twice, claimed_losses, claimed_changes,
                                  command, secrets, watching, nanochat, timbre_restore, glyph_vae, best, musicgen_lora, series)


def run(subject: Subject) -> Iterator[Diagnostic]:
    """The findings of every check."""
    for one in CHECKS:
        yield from one.check(subject)
