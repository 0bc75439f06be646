"""The one training loop. It counts, applies schedules, saves, validates and records; it knows no family.

Everything that a later update depends on is in the task and in `Position`, and both are in every checkpoint: that is
why a run that was interrupted and resumed equals one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from expc.compiler.contract import names
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import FLUSH_STEPS
from expc.compiler.contract.phases import Batch, Phase
from expc.compiler.contract.retention import to_go_back
from expc.compiler.contract.training import Training, known

from . import checkpoint, distributed, memory, phases, randomness, retention
from .checkpoint import Position
from .epochs import epochs
from .errors import INTERRUPTED, UserError
from .families import Task
from .gauges import Gauges
from .guards import Decision, Fired, Guards
from .journal import Metrics, event, validation_at
from .progress import Progress, say
from .recovery import go_back
from .signals import StopRequest
from .watchdog import Watchdog


@dataclass(frozen=True)
class Update:
    """An update whose figures have not come in from the device yet; `after` is where it took the run."""

    after: Position
    logged: dict[str, Tensor]
    rates: dict[str, float]


@dataclass
class Loop:
    """One stretch of training, from `position` to the experiment's last step."""

    experiment: Experiment
    task: Task
    position: Position
    folder: Path
    metrics: Metrics | None
    """Where the main process writes; None in the others."""
    identity: dict[str, Any]
    validated: Callable[[int, dict[str, float]], None]
    """Called after each validation with the step and what was measured."""
    guards: Guards
    watchdog: Watchdog
    reached: Callable[[int], None] = lambda step: None
    """Called at the steps of the milestones, when everything up to them has come in."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The fingerprint of the prepared data, which epochs are counted by."""
    saved: int | None = None
    """The step of the run's own newest checkpoint."""
    pending: list[Update] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    phase: Phase | None = None
    """The phase that the task is ready for."""

    def __post_init__(self) -> None:
        self.alone = distributed.world_size() == 1
        self.gauges = Gauges(self.guards.wanted, self.task.waiting, self.position)
        self.due = {one.step for one in self.experiment.milestones}

    def run(self) -> Position:
        """Trains to the last step. Raises UserError with INTERRUPTED after a stop, `Fired` where a guard ends it."""
        with self.watchdog:
            while decision := self._stretch():
                go_back(self, decision)
        return self.position

    def _stretch(self) -> Decision | None:
        """Trains until the end, or until a guard wants to go back to an earlier checkpoint."""
        try:
            self._begin()
            self._train()
        except Fired as fired:
            if fired.decision.guard.action.kind == "save_and_stop":
                self._write()
            if not fired.goes_on:
                raise
            return fired.decision
        except (RuntimeError, MemoryError) as error:
            if not memory.ran_out(error):
                raise
            return self._out_of_memory(error)
        return None

    def _out_of_memory(self, error: BaseException) -> Decision:
        """What a guard wants done about it. Raises the error where none says anything, `Fired` where it is the end."""
        try:
            self.guards.out_of_memory(self.position.step + 1, self.batch_at(self.position.step).rows)
        except Fired as fired:
            if fired.goes_on:
                return fired.decision
            raise
        raise error

    def _begin(self) -> None:
        """What has to be there before the first update: the figures of this step, and a checkpoint to go back to."""
        if self.guards.goes_back and self.saved is None:
            self.save()
        judged = self.guards.validated_at == self.position.step  # a stop's checkpoint is saved after the validation
        if self.validates_at(self.position.step) and not judged:
            measured = validation_at(self.folder / "metrics.jsonl", self.position.step)
            if measured is not None:
                self._judge_validation(measured)
            else:
                self.validate(say)  # the parent's model, or a kill between checkpoint and validation

    def take_up(self, position: Position) -> None:
        """Goes on from another position, which the task has been put to."""
        self.position, self.pending, self.saved, self.phase = position, [], None, None
        self.gauges = Gauges(self.guards.wanted, self.task.waiting, position)

    def batch_at(self, step: int) -> Batch:
        """What an update sees at a time, in the pieces that guards have made of it."""
        return phases.split(self.experiment.training.phase_at(step).batch, self.guards.split)

    def _train(self) -> None:
        steps = self.experiment.training.steps
        progress = Progress("step", self.position.step, steps)
        with StopRequest() as stop:
            while self.position.step < steps and not self._stops(stop):
                self._update()
                step = self.position.step
                due = progress.due
                if len(self.pending) >= FLUSH_STEPS or (due and self.alone):
                    self.flush()
                    if due:
                        progress.show(step, self._details())
                if step % self.experiment.checkpoint.every == 0 or step == steps:
                    self.save()
                if self.validates_at(step):
                    self.validate(progress.say)
                elif step in self.due:
                    self.flush()
                    self.reached(step)
            self.flush()
            if self.position.step < steps:
                if self.saved != self.position.step:
                    self.save()
                self._interrupted(stop.name or "another process")
        progress.show(self.position.step, self._details(), force=True)
        progress.say(f"trained to step {steps:,}")

    def _stops(self, stop: StopRequest) -> bool:
        """Whether to stop here. Several processes have to agree on the step, and ask one another every so often."""
        if self.alone:
            return stop.name is not None
        return self.position.step % FLUSH_STEPS == 0 and distributed.anywhere(stop.name is not None)

    def _update(self) -> None:
        training, before = self.experiment.training, self.position
        started = time.perf_counter()
        batch = self._enter(training.phase_at(before.step)).batch
        rates = phases.apply(self.task.optimizers.values(), training, before.step, self.guards.rate)
        logged = self.task.step(before.step, before.samples)
        self.position = Position(before.step + 1, before.samples + batch.samples, before.tokens + batch.tokens,
                                 before.seconds + time.perf_counter() - started)
        self.pending.append(Update(self.position, logged, rates))
        self.watchdog.beat(self.position.step)

    def _enter(self, phase: Phase) -> Phase:
        """Makes the task ready for a phase that has just begun, and says so where the run has several."""
        if phase is self.phase:
            return phase
        self.phase = phase
        workers = self.experiment.loading[phase.name].workers
        phases.freeze(self.task.optimizers.values(), phase)
        batch = phases.split(phase.batch, self.guards.split)
        self.task.enter(replace(phase, batch=batch), workers)
        if self.metrics and len(self.experiment.training.phases) > 1:
            event(self.folder, "phase", step=self.position.step, name=phase.name, rows=batch.rows,
                  accumulation=batch.accumulation, sequence_length=batch.sequence_length, workers=workers,
                  compile=phase.compile)
        return phase

    def flush(self) -> None:
        """Brings the pending figures to the journal and before the guards. Raises `Fired` where one of them ends this."""
        self._wait()
        pending, self.pending = self.pending, []
        gauges = self.gauges.read(self.position) if pending else {}
        for update in pending:
            self._judge(update, gauges)
        if pending and self.metrics and not self.guards.ending:
            self.metrics.write(self.position.step, "pace", {
                "phase": self.experiment.training.phase_at(self.position.step - 1).name,
                "seconds": round(self.position.seconds, 4), "samples": self.position.samples,
                "tokens": self.position.tokens, "tokens_per_second": round(self.pace(), 1),
                "peak_memory": memory.peak_memory()[0]})
        self.guards.obey()

    def _judge(self, update: Update, gauges: dict[str, float]) -> None:
        """One update's figures: into the journal, unless the loss is none, and before the guards."""
        after = update.after
        self.last = {name: float(value) for name, value in update.logged.items()}
        self.last["rate"] = self.experiment.training.curves["rate"].at(after.step - 1) * self.guards.rate
        if not self.metrics:  # the others do as they are told
            return
        figures = self.last | {f"rate.{name}": value for name, value in update.rates.items()}
        if math.isfinite(self.last["loss"]) and not self.guards.ending:
            self.metrics.write(after.step, "train", figures)
        figures.update(gauges, step=after.step)
        epoch = epochs(self.experiment, self.data, after.samples, after.tokens)
        figures |= {} if epoch is None else {"epoch": epoch}
        self.guards.observe(after.step, after.seconds, figures)

    def _wait(self) -> None:
        """Waits until a GPU has done what it was given: those seconds belong to the training steps."""
        if self.pending:
            started = time.perf_counter()
            float(self.pending[-1].logged["loss"])
            self.position = replace(self.position, seconds=self.position.seconds + time.perf_counter() - started)

    def pace(self) -> float:
        """Tokens a second inside this run's own training steps."""
        return pace(self.experiment.training, self.position)

    def _details(self) -> str:
        loss, rate = self.last.get("loss", math.nan), self.last.get("rate", 0.0)
        return f"loss {loss:.4f}  rate x{rate:.3f}  {self.pace():,.0f} {self.experiment.counted}/s  {memory.in_use()}"

    def save(self) -> None:
        """Flushes the journal, so that nothing is saved that no guard has judged, then writes a checkpoint."""
        self.flush()
        self._write()

    def _write(self) -> None:
        """Writes a checkpoint and applies retention; as long as guards may go back, there is a checkpoint for that."""
        self.saved = self.position.step
        random = distributed.gathered(randomness.state())
        if self.metrics and random:
            self.metrics.sync()
            target = checkpoint.save(self.folder / "checkpoints", self.task, self.position,
                                     {"metrics": self.last, "guards": self.guards.state(), **self.identity}, random)
            dropped = retention.prune(target, self.experiment, self.folder, self.at_least())
            event(self.folder, "checkpoint", step=self.position.step, folder=target.name,
                  dropped=[path.name for path in dropped])
        self.watchdog.beat(self.position.step)

    def at_least(self) -> int:
        """How many of the newest checkpoints are needed as long as guards may go back to them."""
        return 1 if self.position.step == self.experiment.training.steps else to_go_back(self.experiment)

    def validates_at(self, step: int) -> bool:
        training = self.experiment.training
        inherited = training.resume is not None and step == training.resume.step
        return (step > 0 and step % known(self.experiment.validation).every == 0) or step == training.steps or inherited

    def validate(self, say: Callable[[str], None]) -> None:
        """Measures held-out figures at the current step and records them."""
        self.flush()
        measured = self.task.validate(known(self.experiment.validation).batches)
        if self.metrics:
            self.metrics.write(self.position.step, "valid", measured)
            self.metrics.flush()
            say(f"step {self.position.step:,}: " + ", ".join(f"{name} {value:.4f}" for name, value in measured.items()))
        self._judge_validation(measured)

    def _judge_validation(self, measured: dict[str, float]) -> None:
        """Before the guards with it, and into the record, also where it ends the run: not where it will be taken back."""
        if self.metrics:  # the others do as they are told
            self.guards.observe(self.position.step, self.position.seconds, measured, validated=True)
        self.watchdog.beat(self.position.step)
        try:
            self.guards.obey()
        except Fired as fired:
            if not fired.goes_on:
                self.validated(self.position.step, measured)
            raise
        self.validated(self.position.step, measured)

    def _interrupted(self, signal_name: str) -> None:
        step, steps = self.position.step, self.experiment.training.steps
        if self.metrics:
            event(self.folder, "interrupted", step=step, signal=signal_name)
        raise UserError(f"stopped by {signal_name}; step {step:,} of {steps:,} is saved. Go on from there with the "
                        f"same command: bash {names.launcher(self.experiment, 'bash')}", INTERRUPTED)


def pace(training: Training, position: Position) -> float:
    """Tokens a second of a run that has come to this position, inside its own training steps."""
    own = known(training.own_served(position.step))
    return own.tokens / position.seconds if position.seconds else 0.0
