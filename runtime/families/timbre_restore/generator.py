"""The generator: a causal U-Net with a recurrent bottleneck, whose output is added to its input through a gate.

Degraded audio (B, T) in, restored audio (B, T) out. After the encoder and decoder of Défossez et al. 2020 ("Real time
speech enhancement in the waveform domain"), with a GRU and a gated residual. A block of `hop` frames depends on itself and on
what came before, never on what comes after: as a stream, the model is `hop` - 1 frames late.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expc.compiler.contract.families.timbre_restore import Generator as Sizes


class Encoder(nn.Module):
    """(B, into, T) to (B, out, T / stride): a strided convolution that sees one stride back, and a gated mix of channels."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.down = nn.Conv1d(into, out, 2 * stride, stride)
        self.mix = nn.Conv1d(out, 2 * out, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.down(F.pad(x, (self.stride, 0))))
        return F.glu(self.mix(x), 1)


class Decoder(nn.Module):
    """(B, into, T) to (B, out, T x stride): the way back; each step writes its own stride and the next one."""

    def __init__(self, into: int, out: int, stride: int, last: bool) -> None:
        super().__init__()
        self.stride, self.last = stride, last
        self.mix = nn.Conv1d(into, 2 * into, 1)
        self.up = nn.ConvTranspose1d(into, out, 2 * stride, stride)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(F.glu(self.mix(x), 1))[..., : -self.stride]
        return x if self.last else F.gelu(x)


class Generator(nn.Module):
    """The whole U-Net."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        levels = list(pairwise((1, *sizes.channels)))
        self.encoder = nn.ModuleList(Encoder(into, out, sizes.stride) for into, out in levels)
        self.recurrent = nn.GRU(sizes.channels[-1], sizes.channels[-1], sizes.recurrent, batch_first=True)
        self.decoder = nn.ModuleList(Decoder(out, max(into, 2), sizes.stride, into == 1) for into, out in reversed(levels))

    def forward(self, degraded: Tensor) -> Tensor:
        """(B, T) to (B, T); T of any length, padded to whole blocks inside."""
        length = degraded.size(-1)
        x, skipped = F.pad(degraded, (0, -length % self.sizes.hop))[:, None], []
        for down in self.encoder:
            x = down(x)
            skipped.append(x)
        x = x + self.recurrent(x.transpose(1, 2).contiguous())[0].transpose(1, 2)
        for up in self.decoder:
            x = up(x + skipped.pop())
        residual, gate = x[..., :length].float().unbind(1)
        return degraded + torch.sigmoid(gate + self.sizes.gate) * residual
