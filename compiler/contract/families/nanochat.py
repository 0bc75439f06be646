"""Frozen configuration of the nanochat family: a checkout of nanochat at one commit, what it is told, and its data."""

from __future__ import annotations

from typing import Literal

from ..record import dataclass
from .command import Command

HOME = "nanochat"
"""The folder below the run's that nanochat keeps all it has in (its NANOCHAT_BASE_DIR)."""
CHECKPOINTS = "base_checkpoints"


@dataclass(frozen=True)
class Model:
    """Architecture, as the command line gives it; `vocabulary` counts the tokenizer's tokens, lengths are in tokens."""

    depth: int
    dim: int
    heads: int
    vocabulary: int
    sequence_length: int
    window_pattern: str

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.heads

    @property
    def aspect_ratio(self) -> int:
        """What nanochat multiplies the depth with, before it rounds up to whole heads."""
        return self.dim // self.depth

    @property
    def built_dim(self) -> int:
        """The width that nanochat makes of depth, aspect ratio and head width."""
        return -(-self.depth * self.aspect_ratio // self.head_width) * self.head_width


@dataclass(frozen=True)
class Data:
    """Where the text comes from: a folder that nanochat's own scripts have filled (`ready`, at `path`), or alphaTex that is
    written into such a folder, in documents of at most `chunk` characters; `tokenizer` is how many tokens it is asked for."""

    source: Literal["ready", "synthetic", "folder"]
    path: str | None
    pieces: int | None
    seed: int
    valid_fraction: float
    chunk: int
    tokenizer: int


@dataclass(frozen=True)
class Checkout:
    """The commit that is pinned, its day, the name of the checkpoints' folder, and where a parent's checkpoints lie that
    was not trained here (None: in its run's folder)."""

    commit: str
    date: str
    tag: str
    parent: str | None


@dataclass(frozen=True)
class Config:
    """Everything the nanochat family adds to an experiment's identity."""

    command: Command
    checkout: Checkout
    model: Model
    data: Data
