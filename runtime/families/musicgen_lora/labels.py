"""What MusicGen is trained on: codes of clips and their lengths in, delayed labels out; and the loss on them.

Codebook k is delayed by k frames (Copet et al. 2023, the "delay" pattern), so T frames make T + K - 1 rows. transformers
shifts labels to the right by itself but delays nothing, and counts every label that is not -100.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORED = -100


def labels(codes: Tensor, lengths: Tensor, mask: bool) -> Tensor:
    """Labels (B, T + K - 1, K) of codes (B, T, K): `IGNORED` where the delay leaves nothing and, with `mask`, where a clip
    of fewer than T frames (`lengths`, (B,)) was padded.

    >>> labels(torch.tensor([[[1, 2], [3, 4]]]), torch.tensor([1]), mask=True)[0].tolist()
    [[1, -100], [-100, 2], [-100, -100]]
    """
    batch, frames, books = codes.shape
    if mask:
        padded = torch.arange(frames, device=codes.device)[None, :, None] >= lengths[:, None, None]
        codes = codes.masked_fill(padded, IGNORED)
    rows = codes.new_full((batch, frames + books - 1, books), IGNORED)
    for book in range(books):
        rows[:, book : book + frames, book] = codes[..., book]
    return rows


def undelayed(rows: Tensor) -> Tensor:
    """Codes (B, T, K) of delayed rows (B, T + K - 1, K)."""
    books = rows.shape[-1]
    frames = rows.shape[1] - books + 1
    return torch.stack([rows[:, book : book + frames, book] for book in range(books)], dim=-1)


def inputs(labels_: Tensor, start: int) -> Tensor:
    """What the decoder sees (B, K, T + K - 1): the labels one row later, `start` first and wherever there is no label."""
    shifted = labels_.new_full(labels_.shape, start)
    shifted[:, 1:] = labels_[:, :-1]
    return shifted.masked_fill(shifted == IGNORED, start).transpose(1, 2)


def losses(logits: Tensor, labels_: Tensor) -> tuple[Tensor, Tensor]:
    """(sum of the cross-entropy in nats, counted labels) of each codebook, (K,) both.

    `logits` (B * K, rows, codes) as transformers' MusicGen gives them. Sums leave it to the caller what to divide by: a
    mean over each micro-batch would weigh short clips more than long ones.
    """
    batch, rows, books = labels_.shape
    by_book = logits.float().view(batch, books, rows, -1).permute(1, 0, 2, 3).flatten(1, 2)
    wanted = labels_.permute(2, 0, 1).flatten(1)
    sums = torch.stack([F.cross_entropy(one, targets, ignore_index=IGNORED, reduction="sum")
                        for one, targets in zip(by_book, wanted, strict=True)])
    return sums, (wanted != IGNORED).sum(dim=1)
