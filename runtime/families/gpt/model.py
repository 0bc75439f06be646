"""A nanochat-style GPT: tokens in, logits out. What it shares with nanochat and what it leaves out: `docs/gpt.md`.

Pre-norm decoder: RoPE, normalised queries and keys, RMSNorm without parameters, relu squared, untied head, no biases,
value embeddings on alternate layers, tanh softcap on the logits. Shapes: B rows, T tokens, H heads, D channels a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expc.compiler.contract.families.gpt import Model

QK_SCALE = 1.2
"""Normalised queries and keys are a little too soft for sharp attention; nanochat scales them up by this."""

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of earlier positions, one pair a layer, each (B, H, past, D)."""


def norm(x: Tensor) -> Tensor:
    """RMSNorm over the last dimension, without parameters (Zhang & Sennrich 2019)."""
    return F.rms_norm(x, (x.size(-1),))


def rotary(length: int, width: int, base: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Factors (length, width) of rotary embedding (Su et al. 2021) in fp32: cosines, and sines signed for `rotate`."""
    frequencies = base ** (-torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)
    angles = torch.outer(torch.arange(length, dtype=torch.float32, device=device), frequencies)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), dim=-1), torch.cat((sin, -sin), dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns channel i of the last dimension against channel i + D / 2 by position."""
    return torch.addcmul(x * cos, x.roll(x.size(-1) // 2, dims=-1), sin)


class Attention(nn.Module):
    """Causal self-attention over all earlier positions."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.heads, self.width = model.heads, model.head_width
        self.query = nn.Linear(model.dim, model.dim, bias=False)
        self.key = nn.Linear(model.dim, model.dim, bias=False)
        self.value = nn.Linear(model.dim, model.dim, bias=False)
        self.output = nn.Linear(model.dim, model.dim, bias=False)

    def forward(self, x: Tensor, extra_value: Tensor | None, position: tuple[Tensor, Tensor],
                past: tuple[Tensor, Tensor] | None, mask: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, dim) to (B, T, dim), and this call's keys and values with those of `past` before them."""
        batch, length, dim = x.shape
        # Queries and keys go through the same steps, so one call of each step serves both.
        both = F.linear(x, torch.cat((self.query.weight, self.key.weight)))
        both = norm(rotate(both.view(batch, length, 2, self.heads, self.width), *position))
        query, key = both.transpose(1, 3).unbind(2)
        value = self.value(x) if extra_value is None else self.value(x) + extra_value
        value = value.view(batch, length, self.heads, self.width).transpose(1, 2)
        if past is not None:
            key, value = torch.cat((past[0], key), dim=2), torch.cat((past[1], value), dim=2)
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None,
                                           scale=QK_SCALE**2 * self.width**-0.5)
        return self.output(y.transpose(1, 2).reshape(batch, length, dim)), (key, value)


class MLP(nn.Module):
    """Two matrices with relu squared between them (So et al. 2021)."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.up = nn.Linear(model.dim, 4 * model.dim, bias=False)
        self.down = nn.Linear(4 * model.dim, model.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) to (B, T, dim)."""
        return self.down(F.relu(self.up(x)).square())


class Block(nn.Module):
    """Attention and MLP, each on the normalised stream and added to it."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.attention, self.mlp = Attention(model), MLP(model)

    def forward(self, x: Tensor, extra_value: Tensor | None, position: tuple[Tensor, Tensor],
                past: tuple[Tensor, Tensor] | None, mask: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, dim) to (B, T, dim), with the layer's keys and values."""
        attended, kept = self.attention(norm(x), extra_value, position, past, mask)
        x = x + attended
        return x + self.mlp(norm(x)), kept


class GPT(nn.Module):
    """The whole model."""

    cos: Tensor
    sin: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.token_embedding = nn.Embedding(model.vocabulary, model.dim)
        self.value_embeddings = nn.ModuleDict({
            str(layer): nn.Embedding(model.vocabulary, model.dim)
            for layer in range(model.depth) if model.has_value_embedding(layer)})
        self.blocks = nn.ModuleList(Block(model) for _ in range(model.depth))
        self.head = nn.Linear(model.dim, model.vocabulary, bias=False)
        cos, sin = rotary(model.sequence_length, model.head_width, model.rope_base, self.head.weight.device)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Fresh weights from a seed: uniform matrices of standard deviation dim^-1/2, outputs of blocks at zero.

        The stream starts as the normalised token embedding and every block adds nothing at first; the head starts
        near zero, so that the first loss is ln V.
        """
        generator = torch.Generator().manual_seed(seed)
        bound = (3.0 / self.model.dim) ** 0.5
        for name, weight in self.named_parameters():
            if name == "token_embedding.weight":
                weight.normal_(0.0, 1.0, generator=generator)
            elif name == "head.weight":
                weight.normal_(0.0, 0.001, generator=generator)
            elif name.endswith(("output.weight", "down.weight")):
                weight.zero_()
            else:
                weight.uniform_(-bound, bound, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) to logits (B, T, V) in fp32; T at most the sequence length."""
        return self.logits(self.stream(tokens)[0])

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats of targets (B, T); none of them is left out."""
        logits = self(tokens)
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))

    def stream(self, tokens: Tensor, past: Cache | None = None, mask: Tensor | None = None,
               positions: Tensor | None = None) -> tuple[Tensor, Cache]:
        """The normalised last layer (B, T, dim), and every layer's keys and values.

        Without `positions` the tokens stand at 0 to T - 1 and see those before them. With them ((B, T) indexes, each
        row its own), `mask` (B, 1, T, past + T) says which keys each query sees.
        """
        where = slice(tokens.size(1)) if positions is None else positions
        position = (self.cos[where][..., None, None, :], self.sin[where][..., None, None, :])
        x = norm(self.token_embedding(tokens))
        kept: Cache = []
        for layer, block in enumerate(self.blocks):
            extra = self.value_embeddings[str(layer)](tokens) if str(layer) in self.value_embeddings else None
            x, pair = block(x, extra, position, past[layer] if past else None, mask)
            kept.append(pair)
        return norm(x), kept

    def logits(self, stream: Tensor) -> Tensor:
        """Softcapped logits in fp32 of a normalised stream."""
        cap = self.model.logit_softcap
        return cap * torch.tanh(self.head(stream).float() / cap)
