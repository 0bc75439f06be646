"""What the training loop costs beside the step: the same step in a bare loop and in ours, in turn, in one process.

`python -m benchmarks.loop_overhead` prints milliseconds an update of both, their difference and their ratio, medians over
rounds. The step is a sleep of 20 ms with a loss, so that what differs is the loop: schedules, journal, progress, position.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor

from expc.compiler.contract.experiment import Checkpointing, Experiment, Validation
from expc.compiler.contract.phases import Phase, whole
from expc.compiler.pipeline import Session
from expc.runtime.checkpoint import Position
from expc.runtime.journal import Metrics
from expc.runtime.loop import Loop

ROOT = Path(__file__).parents[1]
STEPS, ROUNDS, STEP_SECONDS = 100, 5, 0.02


class Sleep:
    """A task whose update takes a fixed time and nothing else; its groups are those of the experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self.models: dict[str, torch.nn.Module] = {}
        groups = [{"name": group.name, "params": [torch.nn.Parameter(torch.zeros(1))]}
                  for group in experiment.training.groups]
        self.optimizers: dict[str, torch.optim.Optimizer] = {"sgd": torch.optim.SGD(groups)}
        self.loss = torch.zeros(())

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """One update."""
        time.sleep(STEP_SECONDS)
        return {"loss": self.loss}

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


def bare(task: Sleep) -> float:
    """Seconds an update of the step alone."""
    started = time.perf_counter()
    for update in range(STEPS):
        task.step(update, 0)["loss"].item()
    return (time.perf_counter() - started) / STEPS


def ours(made: Experiment, task: Sleep, folder: Path) -> float:
    """Seconds an update in the loop, up to the last one, which would save and validate."""
    loop = Loop(made, task, Position(0, 0, 0, 0.0), folder, Metrics(folder / "metrics.jsonl", 0), {}, lambda step, found: None)
    loop.save = loop.flush  # type: ignore[method-assign]
    started = time.perf_counter()
    loop.run()
    return (time.perf_counter() - started) / (STEPS + 1)


def main() -> None:
    """Prints the medians."""
    made, rows = experiment(), []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rows.append((bare(Sleep(made)), ours(made, Sleep(made), Path(folder))))
    alone, with_loop = (statistics.median(column) * 1000 for column in zip(*rows, strict=True))
    ratio = statistics.median(after / before for before, after in rows)
    print(f"bare {alone:.3f} ms, in the loop {with_loop:.3f} ms an update: {with_loop - alone:+.3f} ms, x {ratio:.4f}")


if __name__ == "__main__":
    main()
