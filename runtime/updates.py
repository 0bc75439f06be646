"""What the tasks of all families do around their losses: choose the precision, average gradients over the ranks, clip them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from expc.compiler.contract.training import Training

from . import distributed


def precision(training: Training, device: torch.device) -> AbstractContextManager[object]:
    """Where losses are computed: in bf16 on a GPU whose run asks for it, else as the weights are."""
    if training.precision == "bf16" and device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def average_and_clip(parameters: Iterable[nn.Parameter], limit: float | None, shares: int = 1) -> Tensor:
    """Averages the gradients over all ranks, clips them to a global norm of `limit`; the norm (0-dim) before that.

    `shares` multiplies the average: the number of ranks where each rank's gradients are its share of a sum.
    """
    moved = [one for one in parameters if one.grad is not None]
    gradients = [one.grad for one in moved if one.grad is not None]
    if distributed.world_size() > 1:
        for gradient in gradients:
            gradient.copy_(distributed.mean(gradient) * shares)
    norm = nn.utils.get_total_norm(gradients)
    if limit is not None:
        nn.utils.clip_grads_with_norm_(moved, limit, norm)
    return norm.detach()
