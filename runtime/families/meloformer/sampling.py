"""Music from a trained MeloFormer, one token after another: a model and a seed in, token ids out.

What stays the same is kept: each layer's keys and values of the tokens, and once a bar is complete those of its summary. A
summary is made in the moment that its bar ends, from the same tokens that it sees in training.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from ...midi.vocabulary import BEGIN, END, KIND_OF, NAMES
from . import mask
from .model import Block, MeloFormer, norm

CHORD = NAMES.index("chord")


@dataclass
class _Kept:
    """Of one layer: keys and values (H, N, D) of the tokens, of the summaries as summaries see them, and as tokens do."""

    tokens: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    summaries: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    far: list[tuple[Tensor, Tensor]] = field(default_factory=list)


class Reader:
    """A model in evaluation mode that reads one piece token by token and says what it expects next."""

    def __init__(self, model: MeloFormer) -> None:
        self.model, self.kept = model, [_Kept() for _ in model.blocks]
        self.bars: list[int] = []
        """The bar of each token read, counted from 1, as in a row that begins with this piece."""
        self.last = BEGIN

    @torch.inference_mode()
    def read(self, token_id: int) -> Tensor:
        """Logits (V,) for the token behind this one; the first has to be BEGIN."""
        begins = not self.bars or (KIND_OF[token_id] == CHORD and self.last != BEGIN)
        bar = (self.bars[-1] if self.bars else 0) + int(begins)
        if begins and self.bars and self.bars[-1] < self.model.model.bars:
            self._summarise(self.bars[-1])
        self.bars.append(bar)
        self.last = token_id
        device = self.model.summary_token.device
        angles = self.model.angles(torch.tensor([[len(self.bars) - 1]], device=device))
        x = self.model.embedding(torch.tensor([[token_id]], device=device))
        for block, kept in zip(self.model.blocks, self.kept, strict=True):
            assert isinstance(block, Block)
            query, key, value = block.attention.queries_keys_values(norm(x), angles)
            kept.tokens.append((key[0], value[0]))
            near = [kept.tokens[place] for place, one in enumerate(self.bars) if mask.is_fine(bar - one)]
            far = [pair for number, pair in enumerate(kept.far, start=1) if not mask.is_fine(bar - number)]
            x = x + block.attention.join(_attend(query, [*far, *near]))
            x = x + block.mlp(x)
        return self.model.logits(x)[0, 0]

    def _summarise(self, bar: int) -> None:
        """Makes the summary of a bar that is complete, layer by layer."""
        places = [place for place, one in enumerate(self.bars) if one == bar]
        angles = self.model.angles(torch.tensor([[places[0]]], device=self.model.summary_token.device))
        x = self.model.summary_token[None, None]
        for block, kept in zip(self.model.blocks, self.kept, strict=True):
            assert isinstance(block, Block)
            query, key, value = block.attention.queries_keys_values(norm(x), angles)
            kept.summaries.append((key[0], value[0]))
            x = x + block.attention.join(_attend(query, [*kept.summaries, *(kept.tokens[place] for place in places)]))
            far_key, far_value = block.attention.summary_keys_values(norm(x), angles)
            kept.far.append((far_key[0], far_value[0]))
            x = x + block.mlp(x)


def _attend(query: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Attention of one position (1, H, 1, D) to keys and values (H, 1, D) each."""
    key, value = (torch.cat(side, dim=1)[None] for side in zip(*pairs, strict=True))
    return F.scaled_dot_product_attention(query, key, value)


def sample(model: MeloFormer, most: int, seed: int, temperature: float) -> list[int]:
    """A piece from its beginning: at most `most` tokens behind BEGIN, up to END or the end of the context.

    Drawn on the CPU by the Gumbel-max trick from the seed's own stream.
    """
    model.eval()
    stream, reader = torch.Generator().manual_seed(seed % 2**63), Reader(model)
    ids = [BEGIN]
    while len(ids) <= min(most, model.model.sequence_length) and ids[-1] != END:
        logits = reader.read(ids[-1]).float().cpu()
        uniform = torch.rand(logits.size(0), generator=stream).clamp(1e-20, 1 - 1e-7)
        ids.append(int((logits / temperature - torch.log(-torch.log(uniform))).argmax()))
    return ids[1:]
