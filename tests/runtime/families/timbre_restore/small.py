"""A timbre_restore small enough for tests, with its data: what a spec of that size compiles to."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.experiment import Experiment, Loading
from expc.compiler.contract.families.timbre_restore import (
    Config,
    Data,
    Degradation,
    Discriminators,
    Generator,
    Losses,
    Model,
)
from expc.compiler.contract.phases import Batch, Phase
from expc.compiler.contract.schedules import trapezoid
from expc.compiler.contract.training import Training
from expc.compiler.families import timbre_restore as compiled
from expc.runtime import phases
from expc.runtime.families import timbre_restore as family
from expc.runtime.families.timbre_restore.task import TimbreTask
from tests.runtime import toy_family

CPU = torch.device("cpu")
GAN = 6
"""The update that the discriminators join in at."""
SOUND = Data("synthetic", None, 12, 4, 5, Degradation((1000.0, 2000.0), (1.0, 3.0), (10.0, 20.0)))
OPTIMIZER = {"generator_lr": 0.004, "discriminator_lr": 0.002, "weight_decay": 0.01, "beta1": 0.8, "beta2": 0.99,
             "epsilon": 1e-8}
BEFORE = {"adversarial": 0.0, "feature_matching": 0.0}


def model(**changes: Any) -> Model:
    """Three levels of 4 to 8 channels, two scales, two periods."""
    made = Model(8000, 2048, (128, 256), Generator((4, 6, 8), 4, 1, -2.0), Discriminators(2, (2, 3), 1),
                 Losses(60.0, 1.0, 1.0, 2.0))
    return dataclasses.replace(made, **changes)


def training(batch: Batch | None = None, steps: int = 12, sound: Data = SOUND, clip: float | None = None,
             **changes: Any) -> Training:
    """A run whose discriminators join in after half of it."""
    config, batch = Config(model(**changes), sound), batch or Batch(2, 2048, 1, 1)
    groups = compiled.groups({"optimizer": OPTIMIZER}, config, batch)
    parts = (Phase("reconstruction", 0, GAN, batch, False, {}, BEFORE, ("discriminators",)),
             Phase("adversarial", GAN, steps, batch, False, {}, {}, ()))
    return Training("timbre_restore", config, batch, parts, groups, {"rate": trapezoid(0, steps, 2, 4, 0.1)}, clip, steps, 3,
                    "fp32", False, None)


def prepared(run: Training, folder: Path) -> Path:
    """The run's data, made."""
    folder.mkdir()
    family.prepare(run, folder, folder, lambda text: None)
    return folder


def train(task: TimbreTask, first: int, last: int) -> list[dict[str, float]]:
    """What the updates `first` to `last` - 1 log; phases are entered as the loop enters them."""
    logged = []
    for update in range(first, last):
        phase = task.training.phase_at(update)
        if update in (first, phase.start):
            phases.freeze(task.optimizers.values(), phase)
            task.enter(phase, 0)
        phases.apply(task.optimizers.values(), task.training, update)
        figures = task.step(update, update * phase.batch.samples)
        logged.append({name: float(value) for name, value in figures.items()})
    return logged


def experiment(run: str, made: Training) -> Experiment:
    """The same as a whole experiment."""
    base = toy_family.experiment(toy_family.training())
    return dataclasses.replace(base, run=run, name=run, training=made, counted="frames",
                               loading={"reconstruction": Loading(0, {}), "adversarial": Loading(0, {})})
