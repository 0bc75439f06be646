"""The one training loop. It counts, applies schedules, saves, validates and records; it knows no family.

Everything that a later update depends on is in the task and in `Position`, and both are in every checkpoint: that is
why a run that was interrupted and resumed equals one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from expc.compiler.contract import names
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.phases import Phase

from . import checkpoint, distributed, phases
from .checkpoint import Position
from .errors import INTERRUPTED, UserError
from .families import Task
from .journal import Metrics, event
from .progress import Progress
from .signals import StopRequest

FLUSH_STEPS = 20
"""Losses stay on the device for so many updates, so that a GPU is not made to wait at each of them."""


@dataclass
class Loop:
    """One stretch of training, from `position` to the experiment's last step."""

    experiment: Experiment
    task: Task
    position: Position
    folder: Path
    metrics: Metrics | None
    """Where the main process writes; None in the others."""
    identity: dict[str, str]
    validated: Callable[[int, dict[str, float]], None]
    """Called after each validation with the step and what was measured."""
    saved: int | None = None
    """The step of the run's own newest checkpoint."""
    pending: list[tuple[int, dict[str, Tensor], dict[str, float]]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    phase: Phase | None = None
    """The phase that the task is ready for."""

    def run(self) -> Position:
        """Trains to the last step. Raises UserError with INTERRUPTED after a stop, and where the loss is not finite."""
        steps = self.experiment.training.steps
        progress = Progress("step", self.position.step, steps)
        with StopRequest() as stop:
            while self.position.step < steps and not self._stops(stop):
                self._update()
                step = self.position.step
                if len(self.pending) >= FLUSH_STEPS or progress.due:
                    self.flush()
                    progress.show(step, self._details())
                if step % self.experiment.checkpoint.every == 0 or step == steps:
                    self.save()
                if self.validates_at(step):
                    self.validate(progress.say)
            self.flush()
            if self.position.step < steps:
                if self.saved != self.position.step:
                    self.save()
                self._interrupted(stop.name or "another process")
        progress.show(self.position.step, self._details(), force=True)
        progress.say(f"trained to step {steps:,}")
        return self.position

    def _stops(self, stop: StopRequest) -> bool:
        """Whether to stop here. Several processes have to agree on the step, and ask one another every so often."""
        if distributed.world_size() == 1:
            return stop.name is not None
        return self.position.step % FLUSH_STEPS == 0 and distributed.anywhere(stop.name is not None)

    def _update(self) -> None:
        training, before = self.experiment.training, self.position
        started = time.perf_counter()
        batch = self._enter(training.phase_at(before.step)).batch
        rates = phases.apply(self.task.optimizers.values(), training, before.step)
        logged = self.task.step(before.step, before.samples)
        self.position = Position(before.step + 1, before.samples + batch.samples, before.tokens + batch.tokens,
                                 before.seconds + time.perf_counter() - started)
        self.pending.append((self.position.step, logged, rates))

    def _enter(self, phase: Phase) -> Phase:
        """Makes the task ready for a phase that has just begun, and says so where the run has several."""
        if phase is self.phase:
            return phase
        self.phase = phase
        workers = self.experiment.loading[phase.name].workers
        phases.freeze(self.task.optimizers.values(), phase)
        self.task.enter(phase, workers)
        if self.metrics and len(self.experiment.training.phases) > 1:
            event(self.folder, "phase", step=self.position.step, name=phase.name, rows=phase.batch.rows,
                  accumulation=phase.batch.accumulation, sequence_length=phase.batch.sequence_length, workers=workers)
        return phase

    def flush(self) -> None:
        """Brings the pending losses to the journal; stops the run where one is not finite."""
        self._wait()
        for step, logged, rates in self.pending:
            values = {name: float(value) for name, value in logged.items()}
            if not math.isfinite(values["loss"]):
                self.pending = []
                event(self.folder, "not_finite", step=step, loss=str(values["loss"]))
                raise UserError(f"the loss of step {step:,} is {values['loss']}; training stopped, and the last "
                                "checkpoint was saved before it. Lower the rates or set optimizer.gradient_clip, then "
                                "build and run again")
            self.last = values | {"rate": self.experiment.training.curves["rate"].at(step - 1)}
            if self.metrics:
                self.metrics.write(step, "train", self.last | {f"rate.{name}": rate for name, rate in rates.items()})
        if self.pending and self.metrics:
            self.metrics.write(self.position.step, "pace", {
                "phase": self.experiment.training.phase_at(self.position.step - 1).name,
                "seconds": round(self.position.seconds, 4), "samples": self.position.samples,
                "tokens": self.position.tokens, "tokens_per_second": round(self.pace(), 1)})
        self.pending = []

    def _wait(self) -> None:
        """Waits until a GPU has done what it was given: those seconds belong to the training steps."""
        if self.pending:
            started = time.perf_counter()
            float(self.pending[-1][1]["loss"])
            self.position = replace(self.position, seconds=self.position.seconds + time.perf_counter() - started)

    def pace(self) -> float:
        """Tokens a second inside this run's own training steps."""
        training = self.experiment.training
        own = training.served(self.position.step).tokens - training.served(training.start).tokens
        return own / self.position.seconds if self.position.seconds else 0.0

    def _details(self) -> str:
        loss, rate = self.last.get("loss", math.nan), self.last.get("rate", 0.0)
        return f"loss {loss:.4f}  rate x{rate:.3f}  {self.pace():,.0f} tokens/s  {memory_in_use()}"

    def save(self) -> None:
        """Flushes the journal, so that nothing unsound is saved, then writes a checkpoint and applies retention."""
        self.flush()
        self.saved = self.position.step
        if self.metrics:
            self.metrics.sync()
            kept = self.experiment.checkpoint
            target = checkpoint.save(self.folder / "checkpoints", self.task, self.position, self.identity, self.last)
            dropped = checkpoint.prune(target, kept.keep_last, kept.keep_every)
            event(self.folder, "checkpoint", step=self.position.step, folder=target.name,
                  dropped=[path.name for path in dropped])

    def validates_at(self, step: int) -> bool:
        training = self.experiment.training
        inherited = training.resume is not None and step == training.resume.step
        return (step > 0 and step % self.experiment.validation.every == 0) or step == training.steps or inherited

    def validate(self, say: Callable[[str], None]) -> None:
        """Measures held-out figures at the current step and records them."""
        self.flush()
        measured = self.task.validate(self.experiment.validation.batches)
        if self.metrics:
            self.metrics.write(self.position.step, "valid", measured)
            self.metrics.flush()
            say(f"step {self.position.step:,}: " + ", ".join(f"{name} {value:.4f}" for name, value in measured.items()))
        self.validated(self.position.step, measured)

    def _interrupted(self, signal_name: str) -> None:
        step, steps = self.position.step, self.experiment.training.steps
        if self.metrics:
            event(self.folder, "interrupted", step=step, signal=signal_name)
        raise UserError(f"stopped by {signal_name}; step {step:,} of {steps:,} is saved. Go on from there with the "
                        f"same command: bash {names.launcher(self.experiment, 'bash')}", INTERRUPTED)


def memory_in_use() -> str:
    """What the process holds: on a GPU its allocated peak, on a CPU its peak resident memory."""
    value, how = peak_memory()
    return f"{value / 1e9:.2f} GB" + (" resident" if how.startswith("peak resident") else "")


def peak_memory() -> tuple[int, str]:
    """Largest memory so far in bytes, and how it was measured."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated(), "peak allocated on the GPU"
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "peak resident memory of the process"
