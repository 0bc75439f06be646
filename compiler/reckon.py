"""What the spec gives for each figure that somebody states: an experiment with predictions in, its claims completed out.

Nothing is judged here. Where neither the spec nor another claim says anything of a figure, `computed` stays None. Work is
what this run does itself; speeds are those of all devices together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil, floor

from .contract.claims import Claims, Machine, Range, Stated
from .contract.experiment import Experiment
from .contract.record import dataclass
from .estimate import figure
from .hardware import DEVICES

Reckoned = tuple[Range | None, str]


def reckoned(experiment: Experiment) -> Experiment:
    """The experiment with `computed` and `how` filled in for every claim that something is known of."""
    claims = experiment.claims
    figures = tuple(_with(one, *_of_the_run(one.quantity, experiment)) for one in claims.figures)
    machines = tuple(_machine(machine, experiment) for machine in claims.machines)
    return replace(experiment, claims=replace(claims, figures=figures, machines=machines))


def _with(one: Stated, computed: Range | None, how: str) -> Stated:
    return one if computed is None else replace(one, computed=computed, how=how)


def _exactly(value: float | None) -> Range | None:
    return None if value is None else Range(value, value)


def _of_the_run(quantity: str, experiment: Experiment) -> Reckoned:
    predictions, batch = experiment.predictions, experiment.training.batch
    own = experiment.training.own_served(experiment.training.steps)
    samples = experiment.claims.figure("samples")
    laws: dict[str, Callable[[], Range | None]] = {
        "parameters": lambda: _exactly(sum(predictions.parameters.values()) or None),
        "optimizer_state": lambda: _exactly(predictions.memory.get("optimizer_state")),
        "samples_per_update": lambda: _exactly(batch.samples if batch else None),
        "tokens": lambda: _exactly(own.tokens if own else None),
        "epochs": lambda: samples.value.inverse(own.samples) if samples and own else None,
        "batches_per_epoch": lambda: updates_per_epoch(experiment) if samples else None,
    }
    return (laws[quantity]() if quantity in laws else None), quantity


def updates_per_epoch(experiment: Experiment) -> Range | None:
    """Updates that see every stated sample once, with and without the last, unfilled one; else what is claimed of it."""
    samples, batches = (experiment.claims.figure(name) for name in ("samples", "batches_per_epoch"))
    if samples and experiment.training.batch:
        each = samples.value.scaled(1 / experiment.training.batch.samples)
        return Range(floor(each.low), ceil(each.high))
    return batches.value if batches else None


def _machine(machine: Machine, experiment: Experiment) -> Machine:
    return replace(machine, figures=tuple(_with(one, *_on(machine, one.quantity, experiment)) for one in machine.figures))


def _on(machine: Machine, quantity: str, experiment: Experiment) -> Reckoned:
    if quantity == "device_memory":
        return _exactly(DEVICES[machine.target].memory), quantity
    if quantity == "peak_memory":
        return _peak(machine, experiment)
    speed = next(step_times(machine, experiment), None)
    if speed is None:
        return None, quantity
    if quantity == "train_time":
        return next((seconds for _, seconds in run_times(machine, experiment)), None), speed[0]
    count = updates_per_epoch(experiment) if quantity == "epoch_time" else None
    return (Range(speed[1].low * count.low, speed[1].high * count.high) if count else None), speed[0]


def step_times(machine: Machine, experiment: Experiment) -> Iterator[tuple[str, Range]]:
    """Seconds an update of this run, by each of the speeds that are stated of a machine."""
    batch = experiment.training.batch
    samples, tokens = (batch.samples, batch.tokens) if batch else (None, None)
    for name, amount in (("steps_per_second", 1), ("samples_per_second", samples), ("tokens_per_second", tokens)):
        if amount and (speed := machine.figure(name)):
            yield name, speed.value.inverse(amount)
    if seconds := machine.figure("seconds_per_step"):
        yield "seconds_per_step", seconds.value


def run_times(machine: Machine, experiment: Experiment) -> Iterator[tuple[str, Range]]:
    """Seconds of the whole run, by each of the speeds that are stated of a machine; phases differ in what an update sees."""
    training = experiment.training
    own = training.own_served(training.steps)
    works = {"steps_per_second": training.own_steps, "samples_per_second": own.samples if own else None,
             "tokens_per_second": own.tokens if own else None}
    for name, work in works.items():
        if work and (speed := machine.figure(name)):
            yield name, speed.value.inverse(work)
    if seconds := machine.figure("seconds_per_step"):
        yield "seconds_per_step", seconds.value.scaled(training.own_steps)


def _peak(machine: Machine, experiment: Experiment) -> Reckoned:
    """From the line through two other stated peaks, else from the family's formula where it is this spec's own setting."""
    line = memory_line(experiment.claims)
    if line and machine.rows is not None and machine.rows not in line.through:
        return _exactly(line.at(machine.rows)), "memory_line"
    same = (machine.target, machine.count) == (experiment.hardware.target, experiment.hardware.count)
    predicted, batch = figure(experiment.predictions, "peak_memory"), experiment.training.batch
    if same and machine.rows in (None, batch.rows if batch else None) and predicted:
        return _exactly(predicted.value), f"peak_memory.{predicted.method}"
    return None, ""


@dataclass(frozen=True)
class Line:
    """Peak memory as a line over rows: `fixed` + `each` bytes a row, through the peaks stated at two numbers of rows."""

    fixed: float
    each: float
    through: tuple[int, int]

    def at(self, rows: int) -> float:
        """Bytes at so many rows."""
        return self.fixed + self.each * rows


def memory_of(target: str, claims: Claims) -> float | None:
    """Bytes of a device; where less is stated, in the gigabytes of whoever stated the peaks too, then that."""
    stated = [one.value.low for machine in claims.machines
              if machine.target == target and (one := machine.figure("device_memory"))]
    return min((memory for memory in (DEVICES[target].memory, *stated) if memory), default=None)


def rows_that_fit(target: str, claims: Claims) -> int | None:
    """Rows on one device at a time that its memory holds by the line of the stated peaks, which leaves nothing spare."""
    line, memory = memory_line(claims), memory_of(target, claims)
    return max(int((memory - line.fixed) // line.each), 0) if line and memory else None


def memory_line(claims: Claims) -> Line | None:
    """The line through the first two peaks that are stated for different rows; None where memory does not rise."""
    points: dict[int, Range] = {}
    for machine in claims.machines:
        if machine.rows and (peak := machine.figure("peak_memory")):
            points.setdefault(machine.rows, peak.value)
    if len(points) < 2:
        return None
    (few, less), (many, more) = list(points.items())[:2]
    each = ((more.low + more.high) - (less.low + less.high)) / 2 / (many - few)
    return Line((less.low + less.high) / 2 - each * few, each, (few, many)) if each > 0 else None
