"""Frozen configuration of the musicgen_lora family: low-rank adapters on a frozen MusicGen (`docs/musicgen_lora.md`)."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Literal

from ..record import dataclass


@dataclass(frozen=True)
class Model:
    """The frozen base and the adapter on it. `base` is a folder or a hub id; None: a model of these sizes is trained for
    `pretraining_steps` updates while the data is prepared. `dim`, `ffn` and `text_dim` in channels; the adapter's update is
    scaled by `alpha` / `rank` (Hu et al. 2021)."""

    base: str | None
    pretraining_steps: int | None
    layers: int
    dim: int
    heads: int
    ffn: int
    text_dim: int
    codebooks: int
    vocabulary: int
    rank: int
    alpha: float
    dropout: float
    targets: tuple[str, ...]

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.heads


@dataclass(frozen=True)
class Data:
    """Clips of one style. `clips` are trained on, `held_out` more are not; each sounds `audio_seconds` long (generated ones
    exactly; files are cut to it, and may be shorter) and is padded to `clip_seconds`. With `mask_padding` no loss
    counts what was padded. Models are heard with `prompts` and a `guidance`, of which 1 is none."""

    source: Literal["synthetic", "folder"]
    path: str | None
    clips: int
    held_out: int
    audio_seconds: float
    clip_seconds: float
    frame_rate: float
    sample_rate: int
    mask_padding: bool
    seed: int
    prompts: tuple[str, ...] = field(metadata={"sentences": True})
    guidance: float

    @property
    def frames(self) -> int:
        """Frames of codes that a clip has, silence included."""
        return round(self.clip_seconds * self.frame_rate)

    @property
    def padding(self) -> float:
        """Share of a clip that is padded silence; more where a file is shorter than `audio_seconds`."""
        return max(0.0, 1 - self.audio_seconds / self.clip_seconds)


@dataclass(frozen=True)
class Config:
    """Everything the musicgen_lora family adds to an experiment's identity. `SAME_WITH` is by measure what decides other
    losses and not that one: it counts sounding frames alone, of which no padding takes or adds any."""

    SAME_WITH: ClassVar[dict[str, tuple[str, ...]]] = dict.fromkeys(
        ("sounding_loss", *(f"codebook_{index}_loss" for index in range(1, 5)), "style_loss", "shown_loss"),
        ("data.clip_seconds", "data.mask_padding"))

    model: Model
    data: Data
