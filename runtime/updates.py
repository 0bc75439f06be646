"""What the tasks of all families do around their losses: choose the precision, average gradients over the ranks, clip them,
hold an optimizer to its options; and how long an update takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from expc.compiler.contract.training import ParameterGroup, Training

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


def param_group(group: ParameterGroup, parameters: Iterable[Tensor]) -> dict[str, Any]:
    """A group as torch's optimizers take it, with its name. Its rate is set before every update, from the snapshot."""
    return {"name": group.name, "params": list(parameters), "lr": group.rate, "weight_decay": group.weight_decay,
            **_options(group)}


def _options(group: ParameterGroup) -> dict[str, Any]:
    if group.method == "muon":
        return {"momentum": group.options["momentum"]}
    return {"betas": (group.options["beta1"], group.options["beta2"]), "eps": group.options["epsilon"]}


def hold_options(optimizers: Mapping[str, torch.optim.Optimizer], training: Training) -> None:
    """Puts betas, epsilon and momentum of the snapshot into the groups: a loaded state brings its parent's along."""
    said = {group.name: group for group in training.groups}
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group.update(_options(said[group["name"]]))


def seconds_an_update(device: torch.device, updates: int, update: Callable[[], object]) -> float:
    """The mean of so many updates after one that is not counted; a GPU is waited for."""
    seconds = []
    for _ in range(updates + 1):
        started = perf_counter()
        update()
        if device.type == "cuda":  # it works on while the program goes on
            torch.cuda.synchronize(device)
        seconds.append(perf_counter() - started)
    return sum(seconds[1:]) / updates
