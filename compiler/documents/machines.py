"""The machines that a spec names beside its own, side by side: an experiment in, what is stated of each and what follows out.

Nothing is measured or predicted here: memory and speed are the claims', time and cost follow from them and from the plan.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..contract.claims import Machine, Range
from ..contract.experiment import Experiment, Hardware
from ..contract.record import dataclass
from ..reckon import memory_line, memory_of, rows_that_fit, run_times


@dataclass(frozen=True)
class Compared:
    """One machine. `memory` in bytes, as the peaks are counted in; `peak` at the spec's rows (`on_line`: interpolated),
    `most_rows` that the memory holds by that line; `speed` in units of data a second, `time` in seconds, `cost` in its
    currency, where the rows fit. None: unknown.
    """

    hardware: Hardware
    memory: float | None
    peak: Range | None
    on_line: bool
    most_rows: int | None
    speed: Range | None
    time: Range | None
    cost: Range | None


def machines(experiment: Experiment) -> tuple[Compared, ...]:
    """The spec's own machine and the others; nothing where it names no others, or its batch is not known."""
    if not experiment.hardware.others or experiment.training.batch is None:
        return ()
    return tuple(_compared(one, experiment) for one in (experiment.hardware, *experiment.hardware.others))


def _compared(hardware: Hardware, experiment: Experiment) -> Compared:
    batch, stated = experiment.training.batch, tuple(_stated(hardware, experiment))
    assert batch is not None
    peaks = (one.figure("peak_memory") for one in stated if one.rows in (None, batch.rows))
    peak = next((one.value for one in peaks if one), None)
    line = memory_line(experiment.claims)
    on_line = peak is None and line is not None
    if line and on_line:
        peak = Range(line.at(batch.rows), line.at(batch.rows))
    most = rows_that_fit(hardware.target, experiment.claims)
    fits = most is None or batch.rows <= most
    time = next((seconds for one in stated for _, seconds in run_times(one, experiment)), None) if fits else None
    served = experiment.training.own_served(experiment.training.steps)
    speed = time.inverse(served.tokens) if time and served else None
    cost = time.scaled(hardware.price_per_hour / 3600) if time and hardware.price_per_hour else None
    memory = memory_of(hardware.target, experiment.claims)
    return Compared(hardware, memory, peak, on_line, most, speed, time, cost)


def _stated(hardware: Hardware, experiment: Experiment) -> Iterator[Machine]:
    for one in experiment.claims.machines:
        if (one.target, one.count, one.estimated) == (hardware.target, hardware.count, False):
            yield one
