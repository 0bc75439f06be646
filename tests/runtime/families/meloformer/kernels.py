"""Stand-ins on a CPU for what a GPU's kernels keep for backward, to count the memory of an update that no GPU is at hand for.

They compute nothing. RMSNorm keeps its input and a number a position; dropout a byte a number; FlexAttention queries, keys,
values, its result, and a logarithm (fp32) a query and head. bf16 comes from a CPU's autocast, which casts what these losses
have to cast (linear maps) as CUDA's does.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from expc.runtime import updates
from expc.runtime.families.meloformer import mask, model


class Norm(torch.autograd.Function):
    """`aten::_fused_rms_norm` of CUDA."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x, torch.empty(*x.shape[:-1], 1))
        return torch.zeros(x.shape)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return torch.zeros(context.saved_tensors[0].shape)


class Dropout(torch.autograd.Function):
    """`aten::native_dropout` of CUDA."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(torch.empty_like(x, dtype=torch.bool))
        return torch.zeros_like(x)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return torch.zeros_like(gradients[0])


class Attention(torch.autograd.Function):
    """FlexAttention."""

    @staticmethod
    def forward(context: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = torch.zeros_like(query)
        context.save_for_backward(query, key, value, out, torch.empty(query.shape[:3]))
        return out

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.zeros_like(one) for one in context.saved_tensors[:3])


class Flex(mask.Flex):
    """Real block masks, an attention that looks at none of them."""

    def summaries(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return Attention.apply(query, key, value)

    tokens = summaries


def put_in(patch: pytest.MonkeyPatch, precision: str) -> None:
    """Has a CPU train with the stand-ins, in fp32 or bf16."""
    patch.setattr(model, "norm", Norm.apply)
    patch.setattr(mask, "backend", Flex)
    patch.setattr(nn.Dropout, "forward", lambda self, x: Dropout.apply(x) if self.p and self.training else x)
    patch.setattr(updates, "precision", lambda *_: torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"))
