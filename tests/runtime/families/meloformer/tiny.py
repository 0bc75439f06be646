"""A MeloFormer small enough for tests, with its data: what a spec of that size compiles to."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.families.meloformer import Config, Data, Model
from expc.compiler.contract.phases import whole
from expc.compiler.contract.schedules import constant
from expc.compiler.contract.training import Batch, Training, known
from expc.compiler.families import meloformer as compiled
from expc.runtime import phases
from expc.runtime.families import meloformer
from expc.runtime.families.meloformer.model import MeloFormer
from expc.runtime.families.meloformer.task import MeloFormerTask

RATES = {"lr": 0.003, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8}
CPU = torch.device("cpu")


def model(**changes: Any) -> Model:
    """Two layers of width 16."""
    said: dict[str, Any] = {"depth": 2, "dim": 16, "heads": 2, "sequence_length": 128, "bars": 12, "rope_base": 1e4,
                            "dropout": 0.0}
    return Model(**(said | changes))


def data(**changes: Any) -> Data:
    """A few generated pieces."""
    return dataclasses.replace(Data("synthetic", None, 6, None, 5, 0.2), **changes)


def training(steps: int = 6, batch: Batch | None = None, clip: float | None = 1.0, pieces: Data | None = None,
             **changes: Any) -> Training:
    """A run of `steps` at constant rates."""
    config = Config(model(**changes), pieces or data())
    batch = batch or Batch(2, config.model.sequence_length, 1, 1)
    groups = compiled.groups({"optimizer": RATES}, config, batch)
    return Training("meloformer", config, batch, whole(0, steps, batch), groups, {"rate": constant(1.0, 0, steps)}, clip,
                    steps, 3, "fp32", False, None)


def prepared(run: Training, folder: Path) -> Path:
    """The run's data, made."""
    folder.mkdir()
    meloformer.prepare(run, folder, folder, lambda text: None)
    return folder


def train(task: MeloFormerTask, first: int, last: int) -> list[float]:
    """Losses of the updates `first` to `last` - 1."""
    losses = []
    for update in range(first, last):
        phases.apply(task.optimizers.values(), task.training, update)
        losses.append(float(task.step(update, update * known(task.training.batch).samples)["loss"]))
    return losses


def awake(seed: int = 1, **changes: Any) -> MeloFormer:
    """A model in which everything matters: fresh ones hardly move the stream."""
    made = MeloFormer(model(**changes))
    made.initialise(seed)
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(8)
    return made.eval()
