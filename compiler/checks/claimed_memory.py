"""Whether stated peaks lie on one line over the batch, fit the card they are stated for, and hold what the run needs."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.claims import Machine, Stated
from ..contract.quantities import DASH, size
from ..diagnostics import Diagnostic
from ..hardware import DEVICES
from ..reckon import Line, memory_line, rows_that_fit
from .subject import Subject, shown

_TWO = "{target: h800_sxm, rows: 1, peak_memory: 10.1GB}, {target: h800_sxm, rows: 6, peak_memory: 52GB}"
CODES = (
    entry(
        "W381",
        "A stated peak is off the line of the others",
        "Memory rises by the same amount with every row. The first two peaks that are stated for different rows give that "
        "amount; a further one that is more than a tenth away from the line was not measured with the same model.",
        wrong=f"claims: {{machines: [{_TWO}, {{target: h200, rows: 10, peak_memory: [65GB, 70GB]}}]}}",
        right=f"claims: {{machines: [{_TWO}, {{target: h200, rows: 10, peak_memory: [85GB, 86GB]}}]}}",
    ),
    entry(
        "W382",
        "The stated memory does not fit the device",
        "At the stated growth with every row, so many rows need more than the device has.",
        wrong=f"claims: {{machines: [{_TWO}, {{target: rtx_6000_ada, rows: 8, peak_memory: [65GB, 70GB]}}]}}",
        right="hardware: {target: h800_sxm}\nclaims: {machines: "
              f"[{_TWO}, {{target: rtx_6000_ada, rows: 4, peak_memory: 35GB}}]}}",
    ),
    entry(
        "W394",
        "The stated peak is less than the computed one",
        "The formula of the model family gives more for this very batch and device. A peak that a system tool shows between "
        "two updates misses the fullest moment.",
        wrong="claims: {machines: [{target: rtx_4060, peak_memory: 100MB}]}",
        right="claims: {machines: [{target: rtx_4060, peak_memory: 6GB}]}",
    ),
)
TOLERANCE = 0.1


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Every stated peak against the line of the others, the device and the prediction."""
    claims = subject.experiment.claims
    line = memory_line(claims)
    for machine in claims.machines:
        if peak := machine.figure("peak_memory"):
            yield from _against_computed(subject, machine, peak, line)
            need = line.at(machine.rows) if line and machine.rows else peak.value.high
            yield from _against_device(subject, machine.target, machine.rows, need, peak.key)
    batch = subject.experiment.training.batch
    own = batch.rows if batch else None
    stated = {(machine.target, machine.rows) for machine in claims.machines}
    target = subject.experiment.hardware.target
    if line and own and (target, own) not in stated:
        yield from _against_device(subject, target, own, line.at(own), "batch.rows")


def _against_computed(subject: Subject, machine: Machine, peak: Stated, line: Line | None) -> Iterator[Diagnostic]:
    if not peak.computed:
        return
    figures = {"stated": shown(peak.value, "bytes"), "computed": shown(peak.computed, "bytes")}
    if peak.how == "memory_line" and line and not peak.value.meets(peak.computed, TOLERANCE):
        few, many = line.through
        figures |= {"each": size(line.each), "rows": str(machine.rows), "few": str(few), "many": str(many)}
        yield subject.warning("W381", peak.key, figures, also=[f"{machine.key}.rows"])
    elif peak.how != "memory_line" and peak.value.high * (1 + TOLERANCE) < peak.computed.low:
        yield subject.warning("W394", peak.key, figures, also=["batch.rows", "hardware.target"])


def _against_device(subject: Subject, target: str, rows: int | None, need: float, key: str) -> Iterator[Diagnostic]:
    device, batch = DEVICES[target], subject.experiment.training.batch
    if device.memory and need > device.memory:
        fitting = rows_that_fit(target, subject.experiment.claims)
        yield subject.warning(
            "W382", key, {"need": size(need), "device": device.title, "memory": size(device.memory),
                          "rows": str(rows or (batch.rows if batch else DASH))},
            f"{fitting} rows fit" if fitting is not None else None)
