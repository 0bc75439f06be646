"""The MeloFormer: HID tokens in, logits out; two levels of attention, joined by one summary token a bar.

In every layer the summaries first gather their bars' tokens and the earlier summaries; what comes of that is projected to
keys and values a second time, and the tokens then attend to these summaries of far bars and to the tokens of near ones.
Summaries and tokens share all other weights. Pre-norm, RoPE, RMSNorm without parameters, GELU, no biases, head tied to the
embedding. After Museformer (Yu et al. 2022). Shapes: B rows, M summaries, T tokens, H heads, D channels a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expc.compiler.contract.families.meloformer import Model

from . import mask

NOTHING = -1
"""A target that is not counted."""


def norm(x: Tensor) -> Tensor:
    """RMSNorm over the last dimension, without parameters (Zhang & Sennrich 2019)."""
    return F.rms_norm(x, (x.size(-1),))


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turns channel i of (..., D) against channel i + D / 2 by angles (..., D / 2): rotary embedding (Su et al. 2021)."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles.cos().type_as(x), angles.sin().type_as(x)
    return torch.cat((first * cos + second * sin, second * cos - first * sin), dim=-1)


class Attention(nn.Module):
    """Both levels of attention of one layer."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.heads, self.width = model.heads, model.head_width
        self.joint = nn.Linear(model.dim, 3 * model.dim, bias=False)
        self.output = nn.Linear(model.dim, model.dim, bias=False)
        self.summary = nn.Linear(model.dim, 2 * model.dim, bias=False)

    def split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """(B, N, parts x dim) to so many (B, H, N, D)."""
        return x.view(*x.shape[:2], parts, self.heads, self.width).permute(2, 0, 3, 1, 4).unbind(0)

    def queries_keys_values(self, x: Tensor, angles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """First projection of normalised positions (B, N, dim), queries and keys turned by (B, N, D / 2)."""
        query, key, value = self.split(self.joint(x), 3)
        return rotate(query, angles[:, None]), rotate(key, angles[:, None]), value

    def summary_keys_values(self, x: Tensor, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Second projection of the normalised new summaries."""
        key, value = self.split(self.summary(x), 2)
        return rotate(key, angles[:, None]), value

    def join(self, x: Tensor) -> Tensor:
        """(B, H, N, D) to (B, N, dim)."""
        return self.output(x.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Summaries gather, tokens attend, both pass the MLP."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.attention = Attention(model)
        self.up = nn.Linear(model.dim, 4 * model.dim, bias=False)
        self.down = nn.Linear(4 * model.dim, model.dim, bias=False)
        self.dropout = nn.Dropout(model.dropout)

    def mlp(self, x: Tensor) -> Tensor:
        """What is added to (B, N, dim)."""
        return self.dropout(self.down(F.gelu(self.up(norm(x)))))

    def forward(self, x: Tensor, angles: Tensor, seen: mask.Dense | mask.Flex, first: int) -> Tensor:
        """(B, M + T, dim) to (B, M + T, dim), the first M of them summaries."""
        query, key, value = self.attention.queries_keys_values(norm(x), angles)
        gathered = seen.summaries(query[:, :, :first], key, value)
        summaries = x[:, :first] + self.dropout(self.attention.join(gathered))
        far_key, far_value = self.attention.summary_keys_values(norm(summaries), angles[:, :first])
        attended = seen.tokens(query[:, :, first:], torch.cat((far_key, key[:, :, first:]), 2),
                               torch.cat((far_value, value[:, :, first:]), 2))
        x = torch.cat((summaries, x[:, first:] + self.dropout(self.attention.join(attended))), 1)
        return x + self.mlp(x)


class MeloFormer(nn.Module):
    """The whole model."""

    frequencies: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.embedding = nn.Embedding(model.vocabulary, model.dim)
        self.summary_token = nn.Parameter(torch.empty(model.dim))
        self.blocks = nn.ModuleList(Block(model) for _ in range(model.depth))
        exponents = torch.arange(0, model.head_width, 2, dtype=torch.float32) / model.head_width
        self.register_buffer("frequencies", model.rope_base**-exponents, persistent=False)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Fresh weights from a seed: normal, standard deviation .02, outputs of blocks smaller by sqrt(2 x depth) (GPT-2)."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            output = name.endswith(("output.weight", "down.weight"))
            weight.normal_(0.0, 0.02 / ((2 * self.model.depth) ** 0.5 if output else 1.0), generator=generator)

    def angles(self, places: Tensor) -> Tensor:
        """By how much rotary embedding turns positions (B, N): (B, N, D / 2)."""
        return places[..., None].float() * self.frequencies

    def forward(self, tokens: Tensor, attention: type[mask.Dense] | type[mask.Flex] | None = None) -> Tensor:
        """Token ids (B, T) to logits (B, T, V) in fp32; `attention` is by default the one that trains on the device."""
        where = mask.layout(tokens, self.model.bars)
        seen = attention(where) if attention else mask.backend(where)
        summaries = self.summary_token.expand(tokens.size(0), self.model.bars, -1)
        x = torch.cat((summaries, self.embedding(tokens)), 1)
        angles = self.angles(where.place)
        for block in self.blocks:
            x = block(x, angles, seen, self.model.bars)
        return self.logits(x[:, self.model.bars :])

    def logits(self, x: Tensor) -> Tensor:
        """(B, N, dim) to logits (B, N, V) in fp32."""
        return F.linear(norm(x), self.embedding.weight).float()

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats of targets (B, T), those that are `NOTHING` left out."""
        return F.cross_entropy(self(tokens).flatten(0, 1), targets.flatten(), ignore_index=NOTHING)
