"""A GPT small enough for tests, with its data: what a spec of that size compiles to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.families.gpt import Config, Data, Model
from expc.compiler.contract.phases import whole
from expc.compiler.contract.schedules import constant
from expc.compiler.contract.training import Batch, Training
from expc.compiler.families import gpt as compiled
from expc.runtime import phases
from expc.runtime.families import gpt
from expc.runtime.families.gpt.model import GPT
from expc.runtime.families.gpt.task import GPTTask

RATES = {"embedding_lr": 1.0, "unembedding_lr": 0.05, "matrix_lr": 0.3, "weight_decay": 0.1, "beta1": 0.8,
         "beta2": 0.95, "epsilon": 1e-10, "momentum": 0.95}
CPU = torch.device("cpu")


def model(**changes: Any) -> Model:
    """Three layers, one of them without value embedding."""
    said = {"depth": 3, "dim": 32, "heads": 2, "vocabulary": 320, "sequence_length": 48, "rope_base": 100000.0,
            "logit_softcap": 15.0}
    return Model(**(said | changes))


def training(batch: Batch | None = None, clip: float | None = None, steps: int = 20, pieces: int = 60,
             optimizer: dict[str, float] | None = None, **changes: Any) -> Training:
    """A run of `steps` at constant rates."""
    config = Config(model(**changes), Data("synthetic", None, pieces, 5, 0.1, True))
    batch = batch or Batch(4, config.model.sequence_length, 1, 1)
    groups = compiled.groups({"optimizer": RATES | (optimizer or {})}, config, batch)
    return Training("gpt", config, batch, whole(0, steps, batch), groups, {"rate": constant(1.0, 0, steps)}, clip, steps, 3,
                    "fp32", False, None)


def prepared(run: Training, folder: Path) -> Path:
    """The run's data, made."""
    folder.mkdir()
    gpt.prepare(run, folder, folder, lambda text: None)
    return folder


def train(task: GPTTask, first: int, last: int) -> list[float]:
    """Losses of the updates `first` to `last` - 1."""
    losses = []
    for update in range(first, last):
        phases.apply(task.optimizers.values(), task.training, update)
        losses.append(float(task.step(update, update * task.training.batch.samples)["loss"]))
    return losses


def awake(seed: int = 1, **changes: Any) -> GPT:
    """A model whose blocks and head do something: fresh ones add nothing to the stream."""
    made = GPT(model(**changes))
    made.initialise(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.1)
    return made.eval()
