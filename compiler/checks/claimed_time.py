"""Whether the times and speeds that are stated of one machine are those of one and the same run."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.claims import Machine, Range
from ..diagnostics import Diagnostic
from ..reckon import run_times, updates_per_epoch
from .subject import Subject, shown

CODES = (
    entry(
        "W380",
        "Stated time and stated speed contradict each other",
        "The work of this run divided by the stated speed is the time that it takes. Where the stated time is another one, "
        "one of the two figures was not measured on this run: speeds are often taken from another batch size, times from a "
        "guess. Figures may be off by a tenth.",
        wrong="steps: 375k\nclaims: {machines: [{target: rtx_4090, steps_per_second: [3, 4], train_time: [6h, 8h]}]}",
        right="steps: 375k\nclaims: {machines: [{target: rtx_4090, steps_per_second: [3, 4], train_time: [26h, 35h]}]}",
    ),
)
TOLERANCE = 0.1


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each further statement about a machine's time against the first one, both as seconds of this run."""
    if subject.experiment.training.own_steps <= 0:
        return
    for machine in subject.experiment.claims.machines:
        implied = list(_implied(subject, machine))
        for name, seconds in implied[1:]:
            first, expected = implied[0]
            if not seconds.meets(expected, TOLERANCE):
                figures = {"first": first, "expected": shown(expected, "seconds"), "second": name,
                           "time": shown(seconds, "seconds"),
                           "steps": f"{subject.experiment.training.own_steps:,}", "machine": machine.title}
                yield subject.warning("W380", f"{machine.key}.{name}", figures, also=[f"{machine.key}.{first}", "steps"])


def _implied(subject: Subject, machine: Machine) -> Iterator[tuple[str, Range]]:
    """What each statement makes of the time of the whole run, in seconds; speeds come first."""
    own = subject.experiment.training.own_steps
    yield from run_times(machine, subject.experiment)
    epoch, updates = machine.figure("epoch_time"), updates_per_epoch(subject.experiment)
    if epoch and updates and updates.low:
        yield "epoch_time", Range(epoch.value.low * own / updates.high, epoch.value.high * own / updates.low)
    if time := machine.figure("train_time"):
        yield "train_time", time.value
