"""Whether a figure is stated once: two statements about the same machine and batch that differ leave it open which holds."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.claims import Range
from ..diagnostics import Diagnostic
from .subject import Subject, shown

CODES = (
    entry(
        "W383",
        "A figure is stated twice, differently",
        "Two entries of `claims.machines` are about the same device, count and rows, and state different values.",
        wrong="claims: {machines: [{target: rtx_4090, peak_memory: [16GB, 18GB]}, {target: rtx_4090, peak_memory: "
              "[16GB, 20GB]}]}",
        right="claims: {machines: [{target: rtx_4090, peak_memory: [16GB, 20GB]}]}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each figure of each machine against the first of its name for the same machine and rows."""
    first: dict[tuple[str, int, int | None, str], tuple[str, Range]] = {}
    for machine in subject.experiment.claims.machines:
        for one in machine.figures:
            key, value = first.setdefault((machine.target, machine.count, machine.rows, one.quantity), (one.key, one.value))
            if value != one.value:
                figures = {"quantity": one.quantity, "first": shown(value, one.unit), "second": shown(one.value, one.unit),
                           "machine": machine.title}
                yield subject.warning("W383", one.key, figures, also=[key])
