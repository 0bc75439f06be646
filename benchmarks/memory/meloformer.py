"""Configurations of the MeloFormer family for the memory benchmark, on generated pieces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from expc.compiler.contract.families.meloformer import Config, Data, Model
from expc.compiler.contract.training import Batch, Training
from expc.runtime.midi import encoding, synthetic

from . import run

TOLERANCE = 0.1
RATES = {"lr": 0.003, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8}


@dataclass(frozen=True)
class Case:
    """One configuration; each is there for the moment at which it is fullest, or for its shape."""

    depth: int
    dim: int
    heads: int
    length: int
    bars: int
    rows: int
    dropout: float = 0.0
    accumulation: int = 1
    clip: float | None = None

    def training(self) -> Training:
        """The run that a spec of this size compiles to."""
        model = Model(self.depth, self.dim, self.heads, self.length, self.bars, 1e4, self.dropout)
        config = Config(model, Data("synthetic", None, 1, None, 0, 0.1))
        batch = Batch(self.rows, self.length, self.accumulation, 1)
        return run("meloformer", config, batch, RATES, self.clip)

    def prepare(self, folder: Path) -> None:
        """Generated pieces, over and over."""
        pieces = np.concatenate([np.asarray(encoding.encode(synthetic.generate(0, index)), dtype="<u2") for index in range(4)])
        tokens = np.resize(pieces, 4 * self.rows * self.length * self.accumulation + 100)
        for part in ("train", "valid"):
            tokens.tofile(folder / f"{part}.bin")


CASES = (
    Case(3, 96, 4, 512, 32, 8),  # the smoke profile: fullest at the loss
    Case(3, 96, 4, 512, 32, 8, dropout=0.1),
    Case(2, 64, 2, 256, 32, 2, dropout=0.1),
    Case(1, 16, 1, 1280, 32, 1),  # fullest where the masks are made
    Case(2, 48, 4, 2048, 96, 1),  # mostly masks
    Case(6, 192, 3, 128, 16, 2),
    Case(6, 256, 4, 512, 48, 1),
    Case(3, 384, 6, 256, 16, 1, dropout=0.1),  # fullest in a layer's backward pass
    Case(2, 512, 8, 128, 8, 1),  # wide: fullest where the embedding's gradient meets the head's
    Case(1, 256, 4, 32, 4, 1),  # hardly any tokens
    Case(12, 32, 4, 128, 48, 4, dropout=0.2),  # deep and narrow
    Case(1, 32, 2, 64, 8, 16),
    Case(1, 16, 2, 16, 1, 1),  # tiny
    Case(4, 96, 4, 256, 32, 2, accumulation=3, clip=1.0),  # gradients stand beside the activations
    Case(2, 128, 1, 96, 192, 2, dropout=0.1, accumulation=2),  # more summaries than tokens, one head
)
