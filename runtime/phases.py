"""Puts the contract's phases and schedules into the optimizers: what moves in a phase, and at which rate at an update."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import torch

from expc.compiler.contract.phases import Batch, Phase
from expc.compiler.contract.training import Training


def freeze(optimizers: Iterable[torch.optim.Optimizer], phase: Phase) -> None:
    """Takes the groups that a phase freezes out of training, and puts the others back in.

    Without a gradient an optimizer passes a parameter over, weight decay and moments included.
    """
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.requires_grad_(group["name"] not in phase.frozen)


def apply(optimizers: Iterable[torch.optim.Optimizer], training: Training, update: int,
          factor: float = 1.0) -> dict[str, float]:
    """Sets rate and weight decay of every group from the snapshot, whatever a loaded state says; returns rates.

    `factor` multiplies all rates: what guards have made of them.
    A loaded state brings the parent's rates along; taking them from the snapshot before each update is what keeps a
    resumed run honest.
    """
    now = {name: rate * factor for name, rate in training.rates_at(update).items()}
    decay = {group.name: group.weight_decay for group in training.groups}
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = now[group["name"]]
            group["weight_decay"] = decay[group["name"]]
    return now


def split(batch: Batch, pieces: int) -> Batch:
    """The same samples an update, with fewer rows at a time accumulated more often, as far as the rows can be divided."""
    divisor = math.gcd(batch.rows, pieces)
    return replace(batch, rows=batch.rows // divisor, accumulation=batch.accumulation * divisor)
