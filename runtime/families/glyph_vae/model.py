"""The glyph VAE: drawing commands and their image in, a posterior over z, commands and coordinates out.

Encoder: the commands go through a transformer, attend to the patches of the image, and their mean gives q(z). Decoder: an
autoregressive transformer that attends to patches of its own and to z. Pre-norm, RMSNorm without parameters, no biases.
Shapes: B glyphs, S tokens, P patches, D width, Z dimensions of z. What the design follows: `docs/glyph_vae.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expc.compiler.contract.families.glyph_vae import COMMANDS, COORDINATES, SHRINKS, Model

from .outlines import PAD, USED

LOG_VARIANCE, FIRST_LOG_VARIANCE = 8.0, -3.0
"""Log variances of the posterior are kept within plus and minus the first, and begin near the second, about a nat of KL in
each dimension. z that begins as noise, at the prior, is soon passed over: `docs/glyph_vae.md` has the figures."""


TABLES = ("position.weight", "tokens.command.weight", "chosen.weight", "begin")
LAST, SMALL = ("decoder.command.weight", "decoder.coordinates.weight"), 0.1
"""What is looked up rather than multiplied; what stands last, and the factor that it begins smaller by."""


def norm(x: Tensor) -> Tensor:
    """RMSNorm over the last dimension, without parameters (Zhang & Sennrich 2019)."""
    return F.rms_norm(x, (x.size(-1),))


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A matrix without a bias."""
    return nn.Linear(inputs, outputs, bias=False)


@dataclass(frozen=True)
class Batch:
    """Glyphs: commands (B, S) in int64, coordinates (B, S, 4), images (B, 1, size, size) in [0, 1]."""

    commands: Tensor
    coordinates: Tensor
    images: Tensor

    @property
    def real(self) -> Tensor:
        """Which tokens are not PAD, (B, S)."""
        return self.commands != PAD

    def hiding(self, hidden: Tensor) -> Batch:
        """The same glyphs, the images of some (B) of them left blank."""
        return replace(self, images=self.images * ~hidden[:, None, None, None])


def unpack(rows: Tensor, model: Model, device: torch.device) -> tuple[Batch, Tensor]:
    """Packed rows of `data` to a batch and what follows the image in each row."""
    length, pixels = model.sequence_length, model.image_size**2
    commands, coordinates, images, rest = rows.to(device).split(
        [length, COORDINATES * length, pixels, rows.size(1) - (1 + COORDINATES) * length - pixels], dim=1)
    return Batch(commands.long(), coordinates.view(-1, length, COORDINATES),
                 images.reshape(-1, 1, model.image_size, model.image_size)), rest


class Attention(nn.Module):
    """Attention of one stream to another, or to itself."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.heads = model.heads
        self.query, self.key = linear(model.dim, model.dim), linear(model.dim, model.dim)
        self.value, self.output = linear(model.dim, model.dim), linear(model.dim, model.dim)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """(B, S, D) and memory (B, M, D) to (B, S, D); `mask` (B, 1, 1, M) says which memories are there."""
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
                             for part in (self.query(x), self.key(memory), self.value(memory)))
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        return self.output(y.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Two matrices with GELU between them."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.up, self.down = linear(model.dim, 4 * model.dim), linear(4 * model.dim, model.dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, D) to (B, S, D)."""
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """Attention within the stream, attention to a memory, and an MLP, each where it is wanted and added to the stream."""

    def __init__(self, model: Model, inward: bool, outward: bool) -> None:
        super().__init__()
        self.inward = Attention(model) if inward else None
        self.outward = Attention(model) if outward else None
        self.mlp = MLP(model)

    def forward(self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """(B, S, D) and memory (B, M, D) to (B, S, D); `mask` and `causal` are about the stream itself."""
        if self.inward is not None:
            x = x + self.inward(norm(x), norm(x), mask, causal)
        if self.outward is not None and memory is not None:
            x = x + self.outward(norm(x), norm(memory))
        return x + self.mlp(norm(x))


class Tokens(nn.Module):
    """Commands and their coordinates as vectors, with positions."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.command = nn.Embedding(len(COMMANDS), model.dim)
        self.coordinates = linear(COORDINATES, model.dim)
        self.position = nn.Embedding(model.sequence_length, model.dim)

    def forward(self, commands: Tensor, coordinates: Tensor) -> Tensor:
        """(B, S) and (B, S, 4) to (B, S, D), without positions."""
        return self.command(commands) + self.coordinates(coordinates)


class Pixels(nn.Module):
    """An image as patches: three convolutions, then each patch one vector."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        first, second, third = model.channels
        cut = model.patch // SHRINKS
        self.edges = nn.Conv2d(1, first, 3, padding=1, bias=False)
        self.strokes = nn.Conv2d(first, second, 3, stride=2, padding=1, bias=False)
        self.shapes = nn.Conv2d(second, third, 3, stride=2, padding=1, bias=False)
        self.cut = nn.Conv2d(third, model.dim, cut, stride=cut, bias=False)
        self.position = nn.Embedding(model.patches, model.dim)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, size, size) to (B, P, D); a patch without ink is its position alone."""
        x = F.gelu(self.shapes(F.gelu(self.strokes(F.gelu(self.edges(images))))))
        return norm(self.cut(x).flatten(2).transpose(1, 2)) + self.position.weight


class Encoder(nn.Module):
    """q(z | commands, image): mean and log variance."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.tokens, self.pixels = Tokens(model), Pixels(model)
        self.vector = nn.ModuleList(Block(model, True, False) for _ in range(model.vector_layers))
        self.cross = nn.ModuleList(Block(model, False, True) for _ in range(model.cross_layers))
        self.hidden, self.posterior = linear(model.dim, model.dim), linear(model.dim, 2 * model.latent)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and log variance, each (B, Z)."""
        x = self.tokens(batch.commands, batch.coordinates) + self.tokens.position.weight
        patches, mask = self.pixels(batch.images), batch.real[:, None, None, :]
        for block in self.vector:
            x = block(x, mask=mask)
        for block in self.cross:
            x = block(x, patches)
        weights = batch.real.to(x.dtype)[..., None]
        mean = (norm(x) * weights).sum(1) / weights.sum(1)
        mu, spread = self.posterior(F.gelu(self.hidden(mean))).float().chunk(2, dim=-1)
        return mu, LOG_VARIANCE * torch.tanh((spread + FIRST_LOG_VARIANCE) / LOG_VARIANCE)


class Decoder(nn.Module):
    """p(commands, coordinates | image, z), one token after another."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.tokens, self.pixels = Tokens(model), Pixels(model)
        self.begin = nn.Parameter(torch.empty(model.dim))
        self.latent = linear(model.latent, model.dim)
        self.blocks = nn.ModuleList(Block(model, True, True) for _ in range(model.decoder_layers))
        self.command_hidden, self.command = linear(model.dim, model.dim), linear(model.dim, len(COMMANDS))
        self.chosen = nn.Embedding(len(COMMANDS), model.dim)
        self.coordinate_hidden, self.coordinates = linear(model.dim, model.dim), linear(model.dim, COORDINATES)

    def memory(self, images: Tensor, z: Tensor) -> Tensor:
        """What is attended to: z and patches, (B, 1 + P, D)."""
        return torch.cat((self.latent(z)[:, None], self.pixels(images)), dim=1)

    def stream(self, commands: Tensor, coordinates: Tensor, memory: Tensor) -> Tensor:
        """Tokens written so far, (B, n), to the stream (B, n + 1, D), whose last place is about the next token.

        The stream begins with z: attended to as one vector among the patches alone, it is soon passed over.
        """
        x = torch.cat((self.begin + memory[:, :1], self.tokens(commands, coordinates)), dim=1)
        x = x + self.tokens.position.weight[: x.size(1)]
        for block in self.blocks:
            x = block(x, memory, causal=True)
        return norm(x)

    def next_command(self, stream: Tensor) -> Tensor:
        """Logits of the commands, (..., 9), in fp32."""
        logits: Tensor = self.command(F.gelu(self.command_hidden(stream))).float()
        return logits

    def next_coordinates(self, stream: Tensor, commands: Tensor) -> Tensor:
        """Coordinates (..., 4) in fp32 of commands that have been chosen."""
        coordinates: Tensor = self.coordinates(F.gelu(self.coordinate_hidden(stream + self.chosen(commands)))).float()
        return coordinates


class GlyphVAE(nn.Module):
    """The whole model."""

    used: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.encoder, self.decoder = Encoder(model), Decoder(model)
        self.register_buffer("used", torch.from_numpy(USED), persistent=False)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Fresh weights from a seed: matrices uniform with variance 1 / inputs, tables with a standard deviation of 0.3.

        Outputs of blocks are zero, so that each adds nothing at first; what gives logits and coordinates is small, so that
        they begin near zero.
        """
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if name.endswith(("output.weight", "down.weight")):
                weight.zero_()
            elif name.endswith(TABLES):
                weight.uniform_(-0.5, 0.5, generator=generator)
            else:
                bound = (3.0 / weight[0].numel()) ** 0.5 * (SMALL if name.endswith(LAST) else 1.0)
                weight.uniform_(-bound, bound, generator=generator)

    def forward(self, batch: Batch, z: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, S, 9) and coordinates (B, S, 4) of every token, from those before it, the image and z (B, Z)."""
        memory = self.decoder.memory(batch.images, z)
        stream = self.decoder.stream(batch.commands[:, :-1], batch.coordinates[:, :-1], memory)
        return self.decoder.next_command(stream), self.decoder.next_coordinates(stream, batch.commands)

    def reconstruction(self, batch: Batch, z: Tensor) -> tuple[Tensor, Tensor]:
        """Each glyph's mean error of the coordinates that its commands use, and mean nats of its commands, (B) each."""
        logits, coordinates = self(batch, z)
        used = self.used[batch.commands]
        error = ((coordinates - batch.coordinates).abs() * used).sum((1, 2)) / used.sum((1, 2))
        nats = F.cross_entropy(logits.transpose(1, 2), batch.commands, ignore_index=PAD, reduction="none")
        return error, nats.sum(1) / batch.real.sum(1)

    def losses(self, batch: Batch, noise: Tensor, hidden: Tensor, free: float, free_each: bool) -> dict[str, Tensor]:
        """Means over the glyphs: `l1`, `ce`, `kl`, and `held`, the KL of which the first `free` nats cost nothing.

        The decoder does not see the images of `hidden` (B) glyphs.

        z = mean + noise x deviation (Kingma & Welling 2013). Free bits (Kingma et al. 2016) are given to each glyph, in each
        dimension or in total, so that a batch costs the same in one piece or in several.
        """
        mu, log_variance = self.encoder(batch)
        l1, ce = self.reconstruction(batch.hiding(hidden), mu + noise * (log_variance / 2).exp())
        by_dimension = divergence(mu, log_variance)
        held = by_dimension.clamp(min=free).sum(1) if free_each else by_dimension.sum(1).clamp(min=free)
        return {"l1": l1.mean(), "ce": ce.mean(), "kl": by_dimension.sum(1).mean(), "held": held.mean()}


def divergence(mu: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mu, exp(log_variance)) from N(0, 1) in nats, by dimension."""
    return 0.5 * (mu.square() + log_variance.exp() - 1 - log_variance)


def members(model: GlyphVAE) -> dict[str, list[Any]]:
    """The model's parameters by group name; each of them is in exactly one."""
    return {"encoder": list(model.encoder.parameters()), "decoder": list(model.decoder.parameters())}
