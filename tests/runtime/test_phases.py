"""Rates and decay come from the snapshot before every update."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.phases import Phase
from expc.runtime import phases
from tests.runtime import toy_family


@given(st.integers(0, 60), st.floats(0.0, 9.0), st.floats(0.0, 9.0))
def test_what_was_there_before_does_not_matter(update: int, rate: float, decay: float) -> None:
    training = toy_family.training(40)
    parameters = list(torch.nn.Linear(1, 1).parameters())
    before = {"lr": rate, "weight_decay": decay}
    optimizers = [torch.optim.AdamW([{"name": "generator", "params": parameters[:1], **before}]),
                  torch.optim.SGD([{"name": "critic", "params": parameters[1:], **before}])]
    applied = phases.apply(optimizers, training, update)
    multiplier = training.curves["rate"].at(update)
    assert applied == {"generator": 0.01 * multiplier, "critic": 0.05 * multiplier}
    assert [optimizer.param_groups[0]["lr"] for optimizer in optimizers] == list(applied.values())
    assert [optimizer.param_groups[0]["weight_decay"] for optimizer in optimizers] == [0.1, 0.0]


def test_a_frozen_group_stays_where_it_is_and_moves_again_afterwards() -> None:
    layer = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW([{"name": "weight", "params": [layer.weight]}, {"name": "bias", "params": [layer.bias]}],
                                  lr=0.1, weight_decay=0.5)
    batch = toy_family.training().batch

    def moved(*frozen: str) -> list[bool]:
        phases.freeze([optimizer], Phase("any", 0, 1, batch, False, {}, {}, frozen))
        before = [layer.weight.clone(), layer.bias.clone()]
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return [not torch.equal(old, new) for old, new in zip(before, (layer.weight, layer.bias), strict=True)]

    assert moved() == [True, True]
    assert moved("weight") == [False, True]  # weight decay and moments included
    assert moved("bias") == [True, False]
    assert moved() == [True, True]
