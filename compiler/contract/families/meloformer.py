"""Frozen configuration of the MeloFormer family: a decoder on MIDI whose bars are fine where near and summarised elsewhere.

Also the HID vocabulary (hierarchical, instrument-aware; no bar token, a chord opens each bar), since its size is part of the
architecture: token ids are counted through `KINDS` in order.
"""

from __future__ import annotations

from typing import Literal

from ..record import dataclass

KINDS: dict[str, int] = {
    "special": 3,  # padding, beginning of a piece, end of a piece
    "instrument": 129,  # 128 General MIDI programs and the drum kit
    "chord": 85,  # 12 roots x 7 qualities, and none
    "tempo": 32,
    "signature": 9,
    "time": 72,  # onsets within a bar, 12 to a quarter note
    "pitch": 128,
    "length": 37,
    "velocity": 16,
}
"""Kinds of token and how many there are of each."""

FINE_BARS = (0, 1, 2, 4, 8, 12, 16, 24, 32)
"""Distances in bars at which every token is seen; all other past bars are seen through their summaries (Yu et al. 2022,
Museformer, where the structure of songs showed these distances)."""


@dataclass(frozen=True)
class Model:
    """Architecture. `dim` = heads x head width; `sequence_length` in tokens; the first `bars` bars of a row are summarised."""

    depth: int
    dim: int
    heads: int
    sequence_length: int
    bars: int
    rope_base: float
    dropout: float

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.heads

    @property
    def vocabulary(self) -> int:
        """Tokens of the HID encoding."""
        return sum(KINDS.values())


@dataclass(frozen=True)
class Data:
    """Where the music comes from. `source` = synthetic takes `pieces` generated ones, folder reads the MIDI files below `path`
    (workspace-relative or absolute); `valid_fraction` of the pieces is held out, `seed` decides which. `rows` is how many rows
    of the sequence length an epoch has, None where the spec does not count in epochs."""

    source: Literal["synthetic", "folder"]
    path: str | None
    pieces: int | None
    rows: int | None
    seed: int
    valid_fraction: float


@dataclass(frozen=True)
class Config:
    """Everything the MeloFormer family adds to an experiment's identity."""

    model: Model
    data: Data
