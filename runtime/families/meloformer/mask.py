"""Who sees whom: token rows in, the place of every position in its music out, and the one rule that both attentions obey.

A row holds M summaries, one for each of its first M bars, and then its T tokens. Pieces in a row do not see one another. A
token sees the tokens before it in the near bars (its own and those at `FINE_BARS` distance) and the summaries of all other
past bars; a summary sees all tokens of its bar and the summaries up to its own. Everything sees itself, so no position is
without anything to see. The rule is `sees`, on plain numbers and on tensors alike; `Dense` puts it to PyTorch's attention
as a boolean mask, `Flex` to FlexAttention, which leaves out blocks in which nothing is seen (Dong et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from expc.compiler.contract.families.meloformer import FINE_BARS

from ...midi.vocabulary import BEGIN, KIND_OF, NAMES

NOWHERE = -1
"""The piece of a summary that no bar of the row has."""


@dataclass(frozen=True)
class Layout:
    """Of each of the M + T positions: its piece, its bar in the row, and its place, which for a summary is that of its bar's
    first token. All (B, M + T) int64."""

    piece: Tensor
    bar: Tensor
    place: Tensor
    summaries: int


def bars_of(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Piece and bar of each token (B, T), both counted from the row's beginning; each from the tokens up to itself alone.

    A bar begins with its chord, a piece's first one with the marker before that chord.
    """
    begins = tokens == BEGIN
    chord = torch.as_tensor(KIND_OF == NAMES.index("chord"), device=tokens.device)[tokens]
    after_begin = F.pad(begins[:, :-1], (1, 0))
    return begins.cumsum(1), (begins | (chord & ~after_begin)).cumsum(1)


def layout(tokens: Tensor, summaries: int) -> Layout:
    """Where the positions of token rows (B, T) belong, with so many summaries before them."""
    rows, length = tokens.shape
    piece, bar = bars_of(tokens)
    slots = torch.arange(summaries, device=tokens.device).expand(rows, -1).contiguous()
    first = torch.searchsorted(bar.contiguous(), slots)  # bars never fall along a row
    there = first < length
    first = first.clamp(max=length - 1)
    there &= bar.gather(1, first) == slots  # a row that begins with a bar has none of number 0
    of_slot = torch.where(there, piece.gather(1, first), NOWHERE)
    places = torch.arange(length, device=tokens.device).expand(rows, -1)
    return Layout(torch.cat((of_slot, piece), 1), torch.cat((slots, bar), 1), torch.cat((first, places), 1), summaries)


def is_fine(distance: Any) -> Any:
    """Whether bars at a distance (of one another, in bars) are seen token by token."""
    seen = distance == FINE_BARS[0]
    for one in FINE_BARS[1:]:
        seen = seen | (distance == one)
    return seen


def sees(layout_: Layout, row: Any, query: Any, key: Any) -> Any:
    """Whether a position sees another, in tensors of indexes that broadcast: the whole rule of this model's attention."""
    asks, answers = query < layout_.summaries, key < layout_.summaries
    bar_asks, bar_answers = layout_.bar[row, query], layout_.bar[row, key]
    together = layout_.piece[row, query] == layout_.piece[row, key]
    fine = is_fine(bar_asks - bar_answers)
    summary_sees = (answers & (bar_answers <= bar_asks)) | (~answers & (bar_answers == bar_asks))
    token_sees = (answers & (bar_answers < bar_asks) & ~fine) | (~answers & (key <= query) & fine)
    return together & ((asks & summary_sees) | (~asks & token_sees))


class Dense:
    """The rule as a boolean mask for `scaled_dot_product_attention`: M + T squared bytes a row, on any device."""

    def __init__(self, layout_: Layout) -> None:
        rows, length = layout_.bar.shape
        index = torch.arange(length, device=layout_.bar.device)
        row = torch.arange(rows, device=layout_.bar.device)[:, None, None]
        seen = sees(layout_, row, index[None, :, None], index[None, None, :])[:, None]
        self.of_summaries, self.of_tokens = seen[:, :, : layout_.summaries], seen[:, :, layout_.summaries :]

    def summaries(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of the summaries: query (B, H, M, D), key and value (B, H, M + T, D)."""
        return F.scaled_dot_product_attention(query, key, value, self.of_summaries)

    def tokens(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of the tokens: query (B, H, T, D), key and value (B, H, M + T, D)."""
        return F.scaled_dot_product_attention(query, key, value, self.of_tokens)


class Flex:
    """The rule for FlexAttention, compiled on a GPU. On a CPU it computes forward only, which is enough to compare."""

    def __init__(self, layout_: Layout) -> None:
        rows, length, first = layout_.bar.size(0), layout_.bar.size(1), layout_.summaries
        device = layout_.bar.device

        def of_summaries(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            return sees(layout_, row, query, key)

        def of_tokens(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            return sees(layout_, row, query + first, key)

        self.of_summaries = create_block_mask(of_summaries, rows, None, first, length, device=device)
        self.of_tokens = create_block_mask(of_tokens, rows, None, length - first, length, device=device)
        self.attend = _compiled() if device.type == "cuda" else flex_attention

    def summaries(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """As `Dense.summaries`."""
        return self.attend(query, key, value, block_mask=self.of_summaries)

    def tokens(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """As `Dense.tokens`."""
        return self.attend(query, key, value, block_mask=self.of_tokens)


@cache
def _compiled() -> Any:
    return torch.compile(flex_attention)


def backend(layout_: Layout) -> Dense | Flex:
    """What trains on the device that the rows lie on."""
    return Flex(layout_) if layout_.bar.device.type == "cuda" else Dense(layout_)
