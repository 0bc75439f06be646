"""What the training loop costs beside the step: the same step in a bare loop and in ours, in turn, in one process.

`python -m benchmarks.loop_overhead` prints milliseconds an update in a bare loop, in ours, and in ours with a dozen guards
more, the differences and the ratios, medians over rounds, by the clock and (which a busy machine disturbs less) in time of
the processor. The step is a sleep of 20 ms with a loss, so that what differs is the loop: phases, schedules, guards, journal,
progress, position.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from expc.compiler.contract.experiment import Checkpointing, Experiment, Validation
from expc.compiler.contract.guards import NOT_FINITE, Action, Guard
from expc.compiler.contract.phases import Phase, whole
from expc.compiler.pipeline import Session
from expc.runtime.checkpoint import Position
from expc.runtime.guards import Guards
from expc.runtime.journal import Metrics
from expc.runtime.loop import Loop
from expc.runtime.waiting import Waiting
from expc.runtime.watchdog import Watchdog

ROOT = Path(__file__).parents[1]
STEPS, ROUNDS, STEP_SECONDS = 100, 5, 0.02

CONDITIONS = (
    "loss > 10 * median(loss, 50 steps)", "mean(loss, 20 steps) > mean(loss, 10000 steps) * 1.2", "loss > 3 for 100 steps",
    "no improvement of loss by 0.01 for 500 steps", "abs(loss - mean(loss, 50 steps)) > 2 and step > 500",
    "max(loss, 50 steps) / min(loss, 50 steps) > 1000", "step_seconds > 2 * median(step_seconds, 50 steps)",
    "data_seconds / step_seconds > 50% for 10m", "memory > 900GB", "not (loss < 100 or rate > 5) and step > 5",
    "tokens_per_second < 1 for 60s", "no progress for 10m")


class Times(NamedTuple):
    """Milliseconds an update."""

    clock: float
    processor: float


class Sleep:
    """A task whose update takes a fixed time and nothing else; its groups are those of the experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self.models: dict[str, torch.nn.Module] = {}
        groups = [{"name": group.name, "params": [torch.nn.Parameter(torch.zeros(1))]}
                  for group in experiment.training.groups]
        self.optimizers: dict[str, torch.optim.Optimizer] = {"sgd": torch.optim.SGD(groups)}
        self.waiting, self.losses = Waiting(), torch.rand(STEPS + 1, generator=torch.Generator().manual_seed(1))

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """One update."""
        time.sleep(STEP_SECONDS)
        return {"loss": self.losses[update]}

    def enter(self, phase: Phase, workers: int) -> None:
        """Nothing to make ready."""

    def validate(self, batches: int) -> dict[str, float]:
        """Nothing to measure."""
        return {"valid_loss": 0.0}


def experiment() -> Experiment:
    """The smoke form of d4_baseline with as many steps as a round, without checkpoints and validation on the way."""
    compiled = Session(ROOT, "smoke").compile(ROOT / "specs" / "d4_baseline.yaml").experiment
    assert compiled is not None
    training = dataclasses.replace(compiled.training, steps=STEPS + 1, phases=whole(0, STEPS + 1, compiled.training.batch))
    return dataclasses.replace(compiled, training=training, checkpoint=Checkpointing(10**9, 1, None),
                               validation=Validation(10**9, 1))


def bare(task: Sleep) -> Times:
    """The step alone."""
    return timed(lambda: [task.step(update, 0)["loss"].item() for update in range(STEPS)], STEPS)


def ours(made: Experiment, task: Sleep, conditions: tuple[str, ...]) -> Times:
    """The step in the loop, up to the last one, which would save and validate."""
    watched = tuple(Guard(f"guard_{index}", when, Action("warn"), (), {}, True) for index, when in enumerate(conditions))
    guards = Guards((*watched, NOT_FINITE), lambda guard, step, done, line: None)
    watchdog = Watchdog(guards.guards, task.waiting, lambda guard, step, seconds: None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = Loop(made, task, Position(0, 0, 0, 0.0), folder, Metrics(folder / "metrics.jsonl", 0), {},
                    lambda step, found: None, guards, watchdog)
        loop.save = loop.flush  # type: ignore[method-assign]
        return timed(loop.run, STEPS + 1)


def timed(work: Callable[[], object], updates: int) -> Times:
    """Milliseconds an update, by the clock and of the processor (of this thread)."""
    clock, processor = time.perf_counter(), time.thread_time()
    work()
    return Times((time.perf_counter() - clock) / updates * 1000, (time.thread_time() - processor) / updates * 1000)


def main() -> None:
    """Prints the medians."""
    made = experiment()
    with redirect_stderr(StringIO()):
        rounds = [(bare(Sleep(made)), ours(made, Sleep(made), ()), ours(made, Sleep(made), CONDITIONS))
                  for _ in range(ROUNDS)]
    alone = Times(*(statistics.median(row[0][kind] for row in rounds) for kind in range(2)))
    print(f"bare: {alone.clock:.3f} ms an update, {alone.processor:.3f} ms of the processor")
    for index, name in ((1, "in the loop"), (2, f"with {len(CONDITIONS)} guards more")):
        more = Times(*(statistics.median(row[index][kind] - row[0][kind] for row in rounds) for kind in range(2)))
        ratio = statistics.median(row[index].clock / row[0].clock for row in rounds)
        print(f"{name}: {more.clock:+.3f} ms an update, x {ratio:.4f}; {more.processor:+.3f} ms of the processor, "
              f"{more.processor / (STEP_SECONDS * 1000):.2%} of a step")


if __name__ == "__main__":
    main()
