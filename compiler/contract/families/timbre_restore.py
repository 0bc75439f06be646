"""Frozen configuration of the timbre_restore family: a causal U-Net that restores degraded audio, and its discriminators.

A frame is one value of a mono signal; a sample is one excerpt of `segment` frames, degraded and clean.
"""

from __future__ import annotations

import math
from dataclasses import field
from itertools import pairwise
from typing import Literal

from ..record import dataclass


@dataclass(frozen=True)
class Generator:
    """A U-Net whose level i has `channels[i]` channels and divides the rate by `stride`, around `recurrent` GRU layers.

    `gate` is the bias of the residual's gate before its sigmoid: what a fresh model adds to its input is weighed by it.
    """

    channels: tuple[int, ...]
    stride: int
    recurrent: int
    gate: float

    @property
    def hop(self) -> int:
        """Frames that one step of the bottleneck stands for: what the model looks ahead at most, plus one."""
        return self.stride ** len(self.channels)


@dataclass(frozen=True)
class Discriminators:
    """HiFi-GAN's: `scales` on the signal and its halved rates, one for each of `periods`. Their channels are multiples of
    `width` (32 in HiFi-GAN)."""

    scales: int
    periods: tuple[int, ...]
    width: int


@dataclass(frozen=True)
class Convolution:
    """One layer of a discriminator: channels in and out, kernel and stride in frames."""

    into: int
    out: int
    kernel: int
    stride: int
    groups: int = 1

    @property
    def weights(self) -> int:
        """Parameters of its kernel, without bias and norm."""
        return self.into // self.groups * self.out * self.kernel


def period_convolutions(width: int) -> tuple[Convolution, ...]:
    """Layers of a discriminator of one period, first to last (Kong et al. 2020, appendix B): 1, 4, 16, 32, 32 widths."""
    channels = (1, width, 4 * width, 16 * width, 32 * width)
    falling = tuple(Convolution(into, out, 5, 3) for into, out in pairwise(channels))
    return (*falling, Convolution(32 * width, 32 * width, 5, 1), Convolution(32 * width, 1, 3, 1))


def scale_convolutions(width: int) -> tuple[Convolution, ...]:
    """Layers of a discriminator of one scale: 4, 4, 8, 16, 32, 32, 32 widths, grouped by up to 16 as in MelGAN."""
    channels = [width * factor for factor in (4, 4, 8, 16, 32, 32)]
    strides, most = (2, 2, 4, 4, 1), (4, 16, 16, 16, 16)
    grouped = tuple(Convolution(into, out, 41, stride, math.gcd(into, out, limit))
                    for (into, out), stride, limit in zip(pairwise(channels), strides, most, strict=True))
    widest = channels[-1]
    return (Convolution(1, channels[0], 15, 1), *grouped, Convolution(widest, widest, 5, 1), Convolution(widest, 1, 3, 1))


@dataclass(frozen=True)
class Losses:
    """Weights of the generator's losses, where a phase does not say otherwise."""

    l1: float
    mrstft: float
    adversarial: float
    feature_matching: float


@dataclass(frozen=True)
class Model:
    """Everything that is trained, and on what excerpts: `sample_rate` in Hz, `segment` in frames, `fft` in frames (window
    lengths of the multi-resolution STFT loss; the hop is a quarter)."""

    sample_rate: int
    segment: int
    fft: tuple[int, ...]
    generator: Generator
    discriminators: Discriminators
    losses: Losses


@dataclass(frozen=True)
class Degradation:
    """What a clean excerpt goes through, each figure drawn evenly from its range: a zero-phase low-pass at `cutoff` Hz,
    tanh saturation of `drive`, white noise at `snr` dB below the signal."""

    cutoff: tuple[float, float] = field(metadata={"range": True})
    drive: tuple[float, float] = field(metadata={"range": True})
    snr: tuple[float, float] = field(metadata={"range": True})


@dataclass(frozen=True)
class Data:
    """Where clean audio comes from: `source` = synthetic plays notes, folder reads `path` (workspace-relative or absolute).

    `clips` excerpts to train on and `valid_clips` held out, of other files; `seed` decides notes, order and degradation.
    """

    source: Literal["synthetic", "folder"]
    path: str | None
    clips: int
    valid_clips: int
    seed: int
    degradation: Degradation


@dataclass(frozen=True)
class Config:
    """Everything the timbre_restore family adds to an experiment's identity."""

    model: Model
    data: Data
