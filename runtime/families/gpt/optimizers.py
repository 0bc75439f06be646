"""The GPT's optimizers from the snapshot's parameter groups: AdamW for tables and head, torch's Muon for matrices."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from expc.compiler.contract.training import ParameterGroup, Training

from ...updates import param_group
from .model import GPT


def members(model: GPT) -> dict[str, list[nn.Parameter]]:
    """The model's parameters by group name; each of them is in exactly one."""
    return {
        "embedding": list(model.token_embedding.parameters()),
        "value_embeddings": list(model.value_embeddings.parameters()),
        "unembedding": list(model.head.parameters()),
        "matrix": list(model.blocks.parameters()),
    }


def build(model: GPT, training: Training) -> dict[str, torch.optim.Optimizer]:
    """One optimizer a method, its groups named. Rates are set before every update, from the snapshot."""
    parameters = members(model)
    adamw = [param_group(group, parameters[group.name]) for group in training.groups if group.method == "adamw"]
    muon = [_muon(group, parameters[group.name]) for group in training.groups if group.method == "muon"]
    # The fused update is one pass over memory and needs no temporary copies; its arithmetic is element by element.
    filled = [group for group in adamw if group["params"]]
    return {"adamw": torch.optim.AdamW(filled, fused=True), "muon": torch.optim.Muon(muon)}


def _muon(group: ParameterGroup, parameters: list[nn.Parameter]) -> dict[str, Any]:
    # "original" scales by max(1, rows / columns)^1/2, as nanochat does (Jordan et al. 2024).
    return {**param_group(group, parameters), "nesterov": True, "adjust_lr_fn": "original"}
