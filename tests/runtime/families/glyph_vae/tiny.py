"""A glyph VAE small enough for tests, with its data: what a spec of that size compiles to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.families.glyph_vae import Config, Data, Model, Objective
from expc.compiler.contract.phases import Batch, whole
from expc.compiler.contract.schedules import constant
from expc.compiler.contract.training import Training
from expc.compiler.families import glyph_vae as compiled
from expc.runtime import phases
from expc.runtime.families import glyph_vae
from expc.runtime.families.glyph_vae.task import GlyphTask

RATES = {"lr": 3e-3, "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}
CPU = torch.device("cpu")
MODEL = Model(16, 6, 2, 16, 4, 40, 1, 1, 1)
DATA = Data("matplotlib", None, "ABOo", 40, 1, 0.2)


def training(batch: Batch | None = None, steps: int = 20, losses: dict[str, float] | None = None, **objective: Any) -> Training:
    """A run of `steps` at a constant rate."""
    said = {"losses": {"l1": 40.0, "ce": 3.0, "kl": 0.01} | (losses or {}), "kl_warmup_steps": 10, "free_bits": 0.0,
            "free_bits_over": "total", "image_dropout": 0.5}
    config, batch = Config(MODEL, DATA, Objective(**(said | objective))), batch or Batch(4, 1, 1, 1)
    groups = compiled.groups({"optimizer": RATES}, config, batch)
    return Training("glyph_vae", config, batch, whole(0, steps, batch), groups, {"rate": constant(1.0, 0, steps)}, 1.0, steps,
                    3, "fp32", False, None)


def prepared(folder: Path) -> Path:
    """The data, made."""
    folder.mkdir()
    glyph_vae.prepare(training(), folder, folder, lambda text: None)
    return folder


def train(task: GlyphTask, first: int, last: int) -> list[float]:
    """Losses of the updates `first` to `last` - 1."""
    losses = []
    for update in range(first, last):
        phases.apply(task.optimizers.values(), task.training, update)
        losses.append(float(task.step(update, update * task.batch.samples)["loss"]))
    return losses
