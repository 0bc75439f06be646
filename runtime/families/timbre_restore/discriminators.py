"""HiFi-GAN's discriminators (Kong et al. 2020): audio (B, T) in, for each of them its features layer by layer out.

The last feature is the score, of any shape. Every convolution has a weight norm; HiFi-GAN has a spectral norm on its first
scale instead, which is left out here.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from expc.compiler.contract.families.timbre_restore import (
    Convolution,
    period_convolutions,
    scale_convolutions,
)
from expc.compiler.contract.families.timbre_restore import (
    Discriminators as Sizes,
)

SLOPE = 0.1


def _features(x: Tensor, layers: nn.ModuleList) -> list[Tensor]:
    features = []
    for layer in layers:
        x = layer(x)
        features.append(x)
        x = F.leaky_relu(x, SLOPE)
    return features


class PeriodDiscriminator(nn.Module):
    """Looks at every `period`-th frame together: the signal folded into columns, convolved along time only."""

    def __init__(self, period: int, width: int) -> None:
        super().__init__()
        self.period = period
        self.layers = nn.ModuleList(self._layer(one) for one in period_convolutions(width))

    def _layer(self, one: Convolution) -> nn.Module:
        return weight_norm(nn.Conv2d(one.into, one.out, (one.kernel, 1), (one.stride, 1), (one.kernel // 2, 0)))

    def forward(self, audio: Tensor) -> list[Tensor]:
        missing = -audio.size(-1) % self.period
        folded = F.pad(audio[:, None], (0, missing), "reflect").unflatten(-1, (-1, self.period))
        return _features(folded, self.layers)


class ScaleDiscriminator(nn.Module):
    """Looks at the signal after `halvings` averages over two frames each."""

    def __init__(self, halvings: int, width: int) -> None:
        super().__init__()
        self.halvings = halvings
        self.layers = nn.ModuleList(self._layer(one) for one in scale_convolutions(width))

    def _layer(self, one: Convolution) -> nn.Module:
        return weight_norm(nn.Conv1d(one.into, one.out, one.kernel, one.stride, one.kernel // 2, groups=one.groups))

    def forward(self, audio: Tensor) -> list[Tensor]:
        x = audio[:, None]
        for _ in range(self.halvings):
            x = F.avg_pool1d(x, 4, 2, 2)
        return _features(x, self.layers)


class Discriminators(nn.Module):
    """All of them."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.scales = nn.ModuleList(ScaleDiscriminator(halvings, sizes.width) for halvings in range(sizes.scales))
        self.periods = nn.ModuleList(PeriodDiscriminator(period, sizes.width) for period in sizes.periods)

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        """Features of each discriminator, scales first; the last of each are its scores."""
        return [one(audio) for one in (*self.scales, *self.periods)]
