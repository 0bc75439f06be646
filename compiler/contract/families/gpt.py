"""Frozen configuration of the GPT family: a nanochat-style decoder on alphaTex text."""

from __future__ import annotations

from typing import Literal

from ..record import dataclass


@dataclass(frozen=True)
class Model:
    """Architecture. `vocabulary` counts tokens and is a multiple of 64; `dim` = heads x head width; lengths in tokens."""

    depth: int
    dim: int
    heads: int
    vocabulary: int
    sequence_length: int
    rope_base: float
    logit_softcap: float

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.heads

    def has_value_embedding(self, layer: int) -> bool:
        """Whether layer `layer` (from 0) adds a value embedding: alternate layers, the last one always included."""
        return layer % 2 == (self.depth - 1) % 2

    @property
    def value_embeddings(self) -> int:
        """How many layers have a value embedding."""
        return sum(self.has_value_embedding(layer) for layer in range(self.depth))


@dataclass(frozen=True)
class Data:
    """Where the text comes from. `source` = synthetic takes `pieces` generated ones, folder reads `path` (workspace-relative
    or absolute); `valid_fraction` of the pieces is held out, `seed` decides which; `tunes`: also measure the shipped tunes."""

    source: Literal["synthetic", "folder"]
    path: str | None
    pieces: int | None
    seed: int
    valid_fraction: float
    tunes: bool


@dataclass(frozen=True)
class Config:
    """Everything the GPT family adds to an experiment's identity."""

    model: Model
    data: Data
