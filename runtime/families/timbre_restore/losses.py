"""Losses and distances between audio (B, T) and audio (B, T): waveform, spectrogram, and what the discriminators say.

Everything is a mean over excerpts, so that half the excerpts twice are the same as all of them at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

QUIET = 1e-3
"""Root mean square (-60 dB) below which a spectrum counts as that of silence in a ratio: without it, one silent excerpt
would outweigh all others."""
FLOOR = 1e-5
"""Smallest magnitude (of a window's mean amplitude, -100 dB) that a logarithm is taken of."""
LSD_WINDOW = 2048


def magnitudes(audio: Tensor, window: int) -> Tensor:
    """(B, T) to (B, window / 2 + 1, frames): Hann window, a quarter of it a hop, divided by the window's sum / 2, so that a
    sine of amplitude 1 has magnitude 1."""
    hann = torch.hann_window(window, device=audio.device)
    spectrum = torch.stft(audio.float(), window, window // 4, window=hann, return_complex=True)
    # abs() has no gradient worth the name at 0; the tiny constant is 200 dB down.
    return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-14) / (hann.sum() / 2)


def l1(made: Tensor, clean: Tensor) -> Tensor:
    """Mean absolute error of the waveform."""
    return (made - clean).abs().mean()


def mrstft(made: Tensor, clean: Tensor, windows: Sequence[int]) -> Tensor:
    """Mean over the windows of spectral convergence + mean absolute difference of log magnitudes (Yamamoto et al. 2020)."""
    each = [_stft(magnitudes(made, window), magnitudes(clean, window)) for window in windows]
    return torch.stack(each).mean()


def _stft(made: Tensor, clean: Tensor) -> Tensor:
    size = torch.linalg.vector_norm(clean, dim=(1, 2)).clamp(min=QUIET * clean.size(2) ** 0.5)
    convergence = (torch.linalg.vector_norm(clean - made, dim=(1, 2)) / size).mean()
    return convergence + (_log(made) - _log(clean)).abs().mean()


def _log(magnitude: Tensor) -> Tensor:
    return magnitude.clamp(min=FLOOR).log()


def fooled(scores: Sequence[Tensor]) -> Tensor:
    """The generator's least-squares loss (Mao et al. 2017), mean over discriminators; 0 where all take it for real."""
    return torch.stack([((1 - score) ** 2).mean() for score in scores]).mean()


def told_apart(real: Sequence[Tensor], fake: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The discriminators' least-squares losses on real and on restored audio, each a mean over discriminators.

    Where they cannot tell, they say one half, and both are a quarter.
    """
    return fooled(real), torch.stack([(score**2).mean() for score in fake]).mean()


def feature_matching(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean absolute difference of features, scores left out, over layers and discriminators (Kumar et al. 2019)."""
    return torch.stack([(ours - theirs).abs().mean() for one, other in zip(fake, real, strict=True)
                        for ours, theirs in zip(one[:-1], other[:-1], strict=True)]).mean()


def lsd(made: Tensor, clean: Tensor) -> Tensor:
    """Log-spectral distance in dB, (B, T) twice to (B): root mean square over bins, mean over frames (Gray & Markel 1976)."""
    ours, theirs = (20 / math.log(10) * _log(magnitudes(one, LSD_WINDOW)) for one in (made, clean))
    return ((ours - theirs) ** 2).mean(1).sqrt().mean(1)


def si_sdr(made: Tensor, clean: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB, (B, T) twice to (B) (Le Roux et al. 2019); NaN for a silent target."""
    made, clean = made - made.mean(-1, keepdim=True), clean - clean.mean(-1, keepdim=True)
    power = (clean**2).sum(-1, keepdim=True)
    target = (made * clean).sum(-1, keepdim=True) / power * clean
    ratio = (target**2).sum(-1) / ((made - target) ** 2).sum(-1)
    return torch.where(power.squeeze(-1) > QUIET**2 * clean.size(-1), 10 * torch.log10(ratio), torch.nan)
