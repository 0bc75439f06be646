"""The GPT family's memory formula against what torch's profiler sees real training steps allocate, eager fp32 on a CPU.

`python -m benchmarks.memory_gpt` prints a table of configurations with predicted and measured peaks and exits with 1
where one is off by more than 5 %. Measured is the second update: optimizer states are there, as in all later ones.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from expc.compiler.contract.families.gpt import Config, Data, Model
from expc.compiler.contract.phases import whole
from expc.compiler.contract.schedules import constant
from expc.compiler.contract.training import Batch, Training
from expc.compiler.families import gpt as compiled
from expc.runtime.families import gpt

TOLERANCE = 0.05
RATES = {"embedding_lr": 0.25, "unembedding_lr": 0.0035, "matrix_lr": 0.018, "weight_decay": 0.1, "beta1": 0.8,
         "beta2": 0.95, "epsilon": 1e-10, "momentum": 0.95}
MEASURED = "measured update"


@dataclass(frozen=True)
class Case:
    """One configuration; each is there for the moment at which it is fullest, or for its shape."""

    depth: int
    dim: int
    heads: int
    vocabulary: int
    length: int
    rows: int
    accumulation: int = 1
    clip: float | None = None

    def training(self) -> Training:
        """The run that a spec of this size compiles to."""
        model = Model(self.depth, self.dim, self.heads, self.vocabulary, self.length, 100000.0, 15.0)
        config = Config(model, Data("synthetic", None, 1, 0, 0.1, False))
        batch = Batch(self.rows, self.length, self.accumulation, 1)
        groups = compiled.groups({"optimizer": RATES}, config, batch)
        return Training("gpt", config, batch, whole(0, 10, batch), groups, {"rate": constant(1.0, 0, 10)}, self.clip, 10, 0,
                        "fp32", False, None)


CASES = (
    Case(8, 48, 4, 512, 256, 4),  # the smoke profile: fullest at the loss
    Case(4, 48, 4, 512, 256, 4),
    Case(6, 72, 6, 512, 256, 4),
    Case(8, 256, 4, 8192, 256, 2),  # the full-size model with a shorter context
    Case(6, 384, 6, 8192, 128, 1),  # the widest: fullest in Muon
    Case(2, 32, 2, 64, 16, 1),  # tiny
    Case(4, 256, 4, 64, 64, 4),  # fullest in a layer's backward pass
    Case(2, 128, 2, 64, 128, 8),
    Case(6, 64, 4, 128, 512, 2),
    Case(16, 64, 1, 64, 256, 2),  # deep and narrow, one head
    Case(3, 192, 6, 1024, 64, 8),
    Case(20, 64, 8, 8192, 96, 1),  # tables outweigh everything
    Case(1, 256, 4, 64, 16, 1),  # one layer, hardly any tokens
    Case(8, 48, 4, 512, 256, 2, accumulation=2),  # gradients stand beside the activations
    Case(4, 256, 4, 64, 64, 4, accumulation=3, clip=1.0),
)


def predicted(case: Case) -> int:
    """Bytes at the peak, by the formula."""
    training = case.training()
    return sum(compiled.memory(training.config, training.batch, training.precision, training.compile, "cpu").values())


def measured(case: Case) -> int:
    """Bytes at the peak of the second update, by the profiler's record of every allocation since before the model."""
    training = case.training()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_data(training, folder)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
            task = gpt.build(training, folder, torch.device("cpu"))
            task.step(0, 0)
            with record_function(MEASURED):
                task.step(1, training.batch.samples)
    return _peak(watched)


def _write_data(training: Training, folder: Path) -> None:
    model = training.config.model
    ids = np.random.default_rng(0).integers(model.vocabulary, size=4 * training.batch.tokens + 100, dtype=np.uint16)
    for part in ("train", "valid"):
        ids.tofile(folder / f"{part}.bin")
    (folder / "about.json").write_text(json.dumps({"token_bytes": [1] * model.vocabulary}))


def _peak(watched: profile) -> int:
    """The largest sum of allocated bytes while the marked update ran."""
    assert watched.profiler is not None and watched.profiler.kineto_results is not None
    events = watched.profiler.kineto_results.events()
    mark = next(event for event in events if event.name() == MEASURED)
    first, last = mark.start_ns(), mark.start_ns() + mark.duration_ns()
    allocations = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    peak = held = 0
    for moment, change in allocations:
        held += change
        if first <= moment <= last:
            peak = max(peak, held)
    return peak


def error(case: Case) -> tuple[int, int, float]:
    """Predicted and measured bytes, and the prediction's relative error."""
    said, seen = predicted(case), measured(case)
    return said, seen, said / seen - 1


def main() -> int:
    """Prints the table; 0 where every error is within the tolerance."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, eager fp32 on a CPU, peak of the second update\n")
    print("depth   dim heads  vocabulary length rows accum.  parameters   predicted    measured   error")
    worst = 0.0
    for case in CASES:
        said, seen, off = error(case)
        worst = max(worst, abs(off))
        parameters = sum(compiled.parameters(case.training().config).values())
        print(f"{case.depth:5} {case.dim:5} {case.heads:5} {case.vocabulary:11,} {case.length:6} {case.rows:4} "
              f"{case.accumulation:6} {parameters:11,} {said / 1e6:8.2f} MB {seen / 1e6:8.2f} MB {off:+7.2%}",
              flush=True)
    print(f"\nlargest error {worst:.2%} over {len(CASES)} configurations; allowed {TOLERANCE:.0%}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
