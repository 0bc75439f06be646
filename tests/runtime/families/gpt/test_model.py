"""The model: its size is what the compiler counted, it cannot see ahead, and its cache changes nothing."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from expc.compiler.contract.families.gpt import Config, Data, Model
from expc.compiler.families import gpt as compiled
from expc.runtime.families.gpt.model import GPT
from expc.runtime.families.gpt.optimizers import members
from tests.runtime.families.gpt.tiny import awake, model

SIZES = [
    Model(8, 256, 4, 8192, 1024, 100000.0, 15.0),
    Model(6, 384, 6, 8192, 1024, 100000.0, 15.0),
    Model(8, 48, 4, 512, 256, 100000.0, 15.0),
    Model(1, 32, 2, 64, 16, 100000.0, 15.0),
]


def built(size: Model) -> GPT:
    with torch.device("meta"):
        return GPT(size)


def module_of(name: str) -> str:
    return name.split(".")[2] if name.startswith("blocks.") else name.split(".")[0]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_has_the_parameters_that_the_compiler_counted(size: Model) -> None:
    counted = Counter[str]()
    for name, parameter in built(size).named_parameters():
        counted[module_of(name)] += parameter.numel()
    expected = compiled.parameters(Config(size, Data("synthetic", None, 1, 0, 0.1, False)))
    assert dict(counted) == expected


def test_lacks_of_nanochat_exactly_what_the_docs_list() -> None:
    """Eight layers of width 256: 8 + 8 lambdas, 12 x 4 x 4 gates, 24 of the smear gate, two single lambdas."""
    left_out = 8 + 8 + 12 * 4 * 4 + 24 + 1 + 1
    assert left_out == 234
    assert sum(parameter.numel() for parameter in built(SIZES[0]).parameters()) == 6_291_690 + 1_536 * 8192 - left_out


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_parameter_is_in_one_group(size: Model) -> None:
    made = built(size)
    grouped = [id(parameter) for group in members(made).values() for parameter in group]
    assert sorted(grouped) == sorted(id(parameter) for parameter in made.parameters())


def test_starts_at_the_loss_of_chance() -> None:
    made = GPT(model())
    made.initialise(7)
    tokens = torch.randint(320, (4, 48), generator=torch.Generator().manual_seed(0))
    assert float(made.loss(tokens, tokens).detach()) == pytest.approx(math.log(320), abs=0.01)


def test_the_seed_alone_decides_the_weights() -> None:
    first, second, other = GPT(model()), GPT(model()), GPT(model())
    first.initialise(7)
    torch.rand(5)
    second.initialise(7)
    other.initialise(8)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])
    assert not torch.equal(first.head.weight, other.head.weight)


def test_logits_stay_inside_the_cap() -> None:
    made = awake()
    with torch.no_grad():
        made.head.weight.mul_(1e4)
        logits = made(torch.randint(320, (2, 10)))
    assert logits.dtype == torch.float32
    assert 14.9 < float(logits.abs().max()) <= 15.0


@pytest.mark.parametrize("place", [0, 5, 11])
def test_no_position_sees_a_later_token(place: int) -> None:
    made, tokens = awake(), torch.randint(320, (2, 12), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, place] = (changed[:, place] + 1) % 320
    with torch.no_grad():
        before, after = made(tokens), made(changed)
    torch.testing.assert_close(before[:, :place], after[:, :place], rtol=0, atol=1e-6)
    assert (before[:, place:] - after[:, place:]).abs().amax(-1).min() > 1e-4


@torch.no_grad()
def test_the_cache_changes_no_logits() -> None:
    made, tokens = awake(), torch.randint(320, (3, 20), generator=torch.Generator().manual_seed(0))
    whole = made(tokens)
    stream, cache = made.stream(tokens[:, :8])
    pieces = [made.logits(stream)]
    for place in range(8, 20):
        mask = torch.ones(3, 1, 1, place + 1, dtype=torch.bool)
        stream, cache = made.stream(tokens[:, place : place + 1], past=cache, mask=mask,
                                    positions=torch.full((3, 1), place))
        pieces.append(made.logits(stream))
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_attention_goes_by_distance_not_by_place() -> None:
    """Rotary embedding: the same tokens at shifted positions give the same logits."""
    made, tokens = awake(), torch.randint(320, (1, 10), generator=torch.Generator().manual_seed(0))
    causal = torch.ones(10, 10, dtype=torch.bool).tril()[None, None]
    first, second = (made.logits(made.stream(tokens, mask=causal, positions=torch.arange(10)[None] + shift)[0])
                     for shift in (0, 20))
    torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-3)
