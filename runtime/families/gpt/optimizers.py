"""The GPT's optimizers from the snapshot's parameter groups: AdamW for tables and head, torch's own Muon for matrices."""

from __future__ import annotations

import torch
from torch import nn

from expc.compiler.contract.training import ParameterGroup, Training

from .model import GPT


def members(model: GPT) -> dict[str, list[nn.Parameter]]:
    """The model's parameters by group name; each of them is in exactly one."""
    return {
        "embedding": [model.token_embedding.weight],
        "value_embeddings": list(model.value_embeddings.parameters()),
        "unembedding": [model.head.weight],
        "matrix": list(model.blocks.parameters()),
    }


def build(model: GPT, training: Training) -> dict[str, torch.optim.Optimizer]:
    """One optimizer a method, its groups named. Rates are set before every update, from the snapshot."""
    parameters = members(model)
    adamw = [_adamw(group, parameters[group.name]) for group in training.groups if group.method == "adamw"]
    muon = [_muon(group, parameters[group.name]) for group in training.groups if group.method == "muon"]
    # The fused update is one pass over memory and needs no temporary copies; its arithmetic is element by element.
    return {"adamw": torch.optim.AdamW([one for one in adamw if one["params"]], fused=True), "muon": torch.optim.Muon(muon)}


def _adamw(group: ParameterGroup, parameters: list[nn.Parameter]) -> dict:
    betas = (group.options["beta1"], group.options["beta2"])
    return {"name": group.name, "params": parameters, "lr": group.rate, "betas": betas, "eps": group.options["epsilon"],
            "weight_decay": group.weight_decay}


def _muon(group: ParameterGroup, parameters: list[nn.Parameter]) -> dict:
    # "original" scales by max(1, rows / columns)^1/2, as nanochat does (Jordan et al. 2024).
    return {"name": group.name, "params": parameters, "lr": group.rate, "weight_decay": group.weight_decay,
            "momentum": group.options["momentum"], "nesterov": True, "adjust_lr_fn": "original"}
