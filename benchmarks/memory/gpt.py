"""Configurations of the GPT family for the memory benchmark: tiny to 26 million parameters, on random tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from expc.compiler.contract.families.gpt import Config, Data, Model
from expc.compiler.contract.training import Batch, Training

from . import run

TOLERANCE = 0.05
RATES = {"embedding_lr": 0.25, "unembedding_lr": 0.0035, "matrix_lr": 0.018, "weight_decay": 0.1, "beta1": 0.8,
         "beta2": 0.95, "epsilon": 1e-10, "momentum": 0.95}


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
        return run("gpt", config, batch, RATES, self.clip)

    def prepare(self, folder: Path) -> None:
        """Random tokens."""
        tokens = 4 * self.rows * self.length * self.accumulation + 100
        ids = np.random.default_rng(0).integers(self.vocabulary, size=tokens, dtype=np.uint16)
        for part in ("train", "valid"):
            ids.tofile(folder / f"{part}.bin")
        (folder / "about.json").write_text(json.dumps({"token_bytes": [1] * self.vocabulary}))


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
