"""Whether machines have the memory that is stated of them, and stated times are not below what they can do."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.claims import Machine
from ..contract.quantities import duration, size
from ..diagnostics import Diagnostic, listing
from ..estimate import figure
from ..hardware import DEVICES
from .subject import Subject, shown

CODES = (
    entry(
        "E381",
        "The device does not have the stated memory",
        "The catalogue holds what each device has. Cards of similar names differ: an RTX 6000 Ada has 48 GB, an RTX PRO "
        "6000 Blackwell 96 GB. GB and GiB are both taken.",
        wrong="claims: {machines: [{target: rtx_6000_ada, device_memory: 96GB}]}",
        right="claims: {machines: [{target: rtx_6000_ada, device_memory: 48GB}]}",
    ),
    entry(
        "E382",
        "The stated time is less than the device can do",
        "The operations of the run, at the peak of the data sheet, already take longer. Real runs take a multiple of it.",
        wrong="steps: 200k\nclaims: {machines: [{target: rtx_4060, train_time: 30s}]}",
        right="steps: 200k\nclaims: {machines: [{target: rtx_4060, train_time: 20h}]}",
    ),
)
NOMINAL = 0.08
"""Between a GB and a GiB; what a device calls its memory is one or the other."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each machine against the catalogue."""
    for machine in subject.experiment.claims.machines:
        memory = machine.figure("device_memory")
        if memory and memory.computed and not memory.value.meets(memory.computed, NOMINAL):
            fitting = [device.title for device in DEVICES.values()
                       if device.memory and abs(memory.value.high / device.memory - 1) < NOMINAL]
            yield subject.finding(
                "E381", f"{machine.title} has {size(memory.computed.low)}, not {shown(memory.value, 'bytes')}", memory.key,
                f"that much have: {listing(fitting)}" if fitting else None, [f"{machine.key}.target"])
        yield from _time(subject, machine)


def _time(subject: Subject, machine: Machine) -> Iterator[Diagnostic]:
    stated, peak = machine.figure("train_time"), DEVICES[machine.target].peak_flops
    operations = figure(subject.experiment.predictions, "training_operations")
    if not stated or not peak or not operations or not operations.value:
        return
    bound = operations.value / (peak * machine.count)
    if stated.value.high < bound:
        yield subject.finding(
            "E382", f"{shown(stated.value, 'seconds')} is below {duration(bound)}, which {operations.value:.3g} operations "
            f"take on {machine.count} x {machine.title} at their peak", stated.key, also=["steps"])
