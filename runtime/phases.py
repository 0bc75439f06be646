"""Puts the contract's schedules into the optimizers: what every parameter group's rate is at an update."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from expc.compiler.contract.training import Training


def rates(training: Training, update: int) -> dict[str, float]:
    """The rate of each parameter group at an update, by name."""
    multiplier = training.curves["rate"].at(update)
    return {group.name: group.rate * multiplier for group in training.groups}


def apply(optimizers: Iterable[torch.optim.Optimizer], training: Training, update: int) -> dict[str, float]:
    """Sets rate and weight decay of every group from the snapshot, whatever a loaded state says; returns rates.

    A loaded state brings the parent's rates along; taking them from the snapshot before each update is what keeps a
    resumed run honest.
    """
    now = rates(training, update)
    decay = {group.name: group.weight_decay for group in training.groups}
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = now[group["name"]]
            group["weight_decay"] = decay[group["name"]]
    return now
