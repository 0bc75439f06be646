"""Configurations of the glyph VAE for the memory benchmark: the smoke profile and other widths, depths, batches and images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from expc.compiler.contract.families.glyph_vae import COMMANDS, COORDINATES, Config, Data, Model, Objective
from expc.compiler.contract.training import Batch, Training

from . import run

TOLERANCE = 0.1
SAID = {"lr": 4e-4, "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}


@dataclass(frozen=True)
class Case:
    """One configuration; each is there for the moment at which it is fullest, or for its shape."""

    dim: int
    latent: int
    heads: int
    image: int
    patch: int
    length: int
    vector: int
    cross: int
    decoder: int
    rows: int
    accumulation: int = 1
    clip: float | None = 1.0

    def training(self) -> Training:
        """The run that a spec of this size compiles to."""
        model = Model(self.dim, self.latent, self.heads, self.image, self.patch, self.length, self.vector, self.cross,
                      self.decoder)
        objective = Objective({"l1": 40.0, "ce": 3.0, "kl": 0.01}, 10, 5.0, "total", 0.5)
        config = Config(model, Data("matplotlib", None, "AB", self._glyphs, 0, 0.1), objective)
        batch = Batch(self.rows, 1, self.accumulation, 1)
        return run("glyph_vae", config, batch, SAID, self.clip)

    def prepare(self, folder: Path) -> None:
        """Random glyphs of full length."""
        draw, shape = np.random.default_rng(0), (self._glyphs, self.length)
        arrays = {"commands": draw.integers(1, len(COMMANDS), shape, dtype=np.uint8),
                  "coordinates": draw.random((*shape, COORDINATES), dtype=np.float32),
                  "images": draw.integers(256, size=(self._glyphs, self.image, self.image), dtype=np.uint8)}
        for part in ("train", "valid"):
            for name, array in arrays.items():
                np.save(folder / f"{part}_{name}.npy", array)

    @property
    def _glyphs(self) -> int:
        return 2 * self.rows * self.accumulation


CASES = (
    Case(96, 32, 4, 32, 8, 48, 2, 1, 4, 16),  # the smoke profile: fullest at the losses
    Case(96, 32, 4, 32, 8, 48, 1, 1, 1, 16),
    Case(128, 64, 4, 64, 8, 64, 2, 2, 3, 4),
    Case(512, 128, 16, 128, 16, 96, 3, 3, 8, 1),  # the full-size model, one glyph: gradients outweigh all else
    Case(512, 512, 16, 128, 16, 96, 1, 1, 2, 4),  # its shapes in fewer layers
    Case(192, 64, 6, 64, 16, 96, 1, 3, 2, 2),  # fullest in an MLP of the decoder
    Case(128, 512, 2, 32, 4, 24, 3, 1, 6, 8),
    Case(64, 16, 2, 32, 8, 192, 1, 1, 2, 4),  # long glyphs
    Case(64, 16, 4, 128, 16, 32, 1, 1, 1, 8),  # fullest in the convolutions of the decoder
    Case(64, 16, 4, 256, 32, 16, 1, 1, 1, 4),
    Case(64, 16, 4, 64, 4, 8, 1, 1, 1, 4),  # many more patches than tokens
    Case(512, 128, 16, 128, 16, 24, 1, 1, 2, 2),  # fullest in the encoder's images
    Case(256, 64, 8, 32, 8, 32, 2, 2, 4, 1),
    Case(32, 8, 2, 16, 4, 8, 1, 1, 1, 1),  # tiny
    Case(96, 32, 4, 32, 8, 48, 2, 1, 4, 8, accumulation=3),  # gradients stand beside the activations
    Case(256, 32, 8, 64, 16, 16, 2, 2, 2, 2, accumulation=2, clip=None),
)
