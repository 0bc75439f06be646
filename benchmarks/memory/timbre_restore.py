"""Configurations of the timbre_restore family for the memory benchmark: updates of both models in many sizes, on noise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from expc.compiler.contract.families.timbre_restore import (
    Config,
    Data,
    Degradation,
    Discriminators,
    Generator,
    Losses,
    Model,
)
from expc.compiler.contract.training import Batch, Training
from expc.runtime.families.timbre_restore import shards
from expc.runtime.families.timbre_restore.data import ABOUT_FILE

from . import run

TOLERANCE = 0.1
SAID = {"generator_lr": 2e-4, "discriminator_lr": 2e-4, "weight_decay": 0.01, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-8}


@dataclass(frozen=True)
class Case:
    """One configuration; each is there for the moment at which it is fullest, or for its shape."""

    segment: int
    fft: tuple[int, ...]
    channels: tuple[int, ...]
    stride: int
    recurrent: int
    scales: int
    periods: tuple[int, ...]
    width: int
    rows: int
    accumulation: int = 1
    clip: float | None = None

    def training(self) -> Training:
        """The run that a spec of this size compiles to, without the phase that leaves the discriminators out."""
        model = Model(16000, self.segment, self.fft, Generator(self.channels, self.stride, self.recurrent, -2.0),
                      Discriminators(self.scales, self.periods, self.width), Losses(60.0, 1.0, 1.0, 2.0))
        degradation = Degradation((1500.0, 3000.0), (1.0, 2.0), (5.0, 15.0))
        config = Config(model, Data("synthetic", None, self._clips, 1, 0, degradation))
        batch = Batch(self.rows, self.segment, self.accumulation, 1)
        return run("timbre_restore", config, batch, SAID, self.clip)

    def prepare(self, folder: Path) -> None:
        """Noise."""
        pairs = np.random.default_rng(0).integers(-9999, 9999, (self._clips + 1, 2, self.segment), dtype=np.int16)
        np.save(shards.array(folder, 0), pairs)
        (folder / ABOUT_FILE).write_text(json.dumps({"shards": 1}))

    @property
    def _clips(self) -> int:
        return 2 * self.rows * self.accumulation


PERIODS = (2, 3, 5, 7, 11)
CASES = (
    Case(4096, (256, 512, 1024), (8, 16, 32, 64), 4, 1, 3, PERIODS, 1, 8),  # the smoke profile: fullest in feature matching
    Case(4096, (256, 512, 1024), (8, 16, 32, 64), 4, 1, 3, PERIODS, 2, 8),
    Case(4096, (256, 512, 1024), (8, 16, 32, 64), 4, 1, 3, PERIODS, 8, 2),  # fullest in the discriminators' own backward pass
    Case(8192, (512, 1024, 2048), (64, 128, 256, 512), 4, 2, 3, PERIODS, 16, 2),  # half the full size's width, two excerpts
    Case(2048, (256, 512), (8, 16, 32, 64), 4, 1, 3, PERIODS, 4, 1),
    Case(8192, (256, 512, 1024), (8, 16, 32, 64), 4, 1, 2, (2, 5), 1, 2),
    Case(4096, (256, 512, 1024), (16, 32), 4, 2, 1, (2, 3), 1, 8),
    Case(4096, (256, 512, 1024), (32, 64, 128), 2, 1, 1, (3,), 1, 2),
    Case(4096, (256, 512, 1024), (64, 128, 256, 512), 4, 2, 1, (2,), 1, 1),  # a large generator: fullest in its AdamW
    Case(5000, (512,), (16, 32, 64), 3, 1, 3, PERIODS, 2, 3),  # nothing divides anything
    Case(4096, (256, 512, 1024), (8, 16, 32, 64), 4, 1, 3, PERIODS, 1, 4, accumulation=2),
    Case(4096, (256, 512, 1024), (8, 16, 32, 64), 4, 1, 3, PERIODS, 4, 2, accumulation=3, clip=1.0),
)
