"""The models: their sizes are what the compiler counted; the generator cannot hear ahead and begins near its input."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn

from expc.compiler.contract.families.timbre_restore import Config, Discriminators, Generator, Losses, Model
from expc.compiler.families import timbre_restore as compiled
from expc.runtime.families.timbre_restore import discriminators, generator
from expc.runtime.families.timbre_restore.task import fresh
from tests.runtime.families.timbre_restore.small import SOUND, model, training

FULL = Model(44100, 32768, (512, 1024, 2048), Generator((64, 128, 256, 512), 4, 2, -2.0),
             Discriminators(3, (2, 3, 5, 7, 11), 32), Losses(3.0, 3.0, 1.0, 2.0))
SMOKE = Model(16000, 4096, (256, 512, 1024), Generator((8, 16, 32, 64), 4, 1, -2.0),
              Discriminators(3, (2, 3, 5, 7, 11), 1), Losses(60.0, 1.0, 1.0, 2.0))
OTHER = Model(8000, 2048, (256,), Generator((3,), 2, 3, 0.0), Discriminators(0, (4,), 3), Losses(1.0, 1.0, 0.0, 0.0))
PARTS = {"scales": "scale_discriminators", "periods": "period_discriminators"}


@pytest.mark.parametrize("size", [FULL, SMOKE, OTHER, model()], ids=["full", "smoke", "other", "small"])
def test_have_the_parameters_that_the_compiler_counted(size: Model) -> None:
    with torch.device("meta"):
        made: list[nn.Module] = [generator.Generator(size.generator), discriminators.Discriminators(size.discriminators)]
    counted = Counter[str](dict.fromkeys(PARTS.values(), 0))
    for one in made:
        for name, parameter in one.named_parameters():
            counted[PARTS.get(name.split(".")[0], name.split(".")[0])] += parameter.numel()
    assert dict(counted) == compiled.parameters(Config(size, SOUND))


def test_are_as_large_as_hifi_gans_discriminators() -> None:
    """Five period and three scale discriminators of width 32: 41.1 M and 29.6 M weights (jik876/hifi-gan), and their gains."""
    counted = compiled.parameters(Config(FULL, SOUND))
    assert counted["period_discriminators"] == pytest.approx(41.1e6, rel=0.01)
    assert counted["scale_discriminators"] == pytest.approx(29.6e6, rel=0.01)


@pytest.mark.parametrize("at", [0, 1, 64, 700, 2047])
def test_a_block_depends_on_nothing_behind_it(at: int) -> None:
    made, _ = fresh(training())
    hop = made.sizes.hop
    audio = torch.randn(2, 2048, generator=torch.Generator().manual_seed(1))
    changed = audio.clone()
    changed[:, at:] += 1
    with torch.no_grad():
        before, after = made(audio), made(changed)
    first = at // hop * hop
    assert torch.equal(before[:, :first], after[:, :first])
    assert not torch.equal(before[:, first:], after[:, first:])


@pytest.mark.parametrize("length", [2048, 2047, 100, 1])
def test_any_length_comes_out_as_it_went_in(length: int) -> None:
    made, _ = fresh(training())
    audio = torch.randn(3, length, generator=torch.Generator().manual_seed(2)) * 0.1
    with torch.no_grad():
        assert made(audio).shape == audio.shape


def test_a_fresh_model_adds_little() -> None:
    made, _ = fresh(training())
    audio = torch.randn(4, 2048, generator=torch.Generator().manual_seed(3)) * 0.3
    with torch.no_grad():
        added = made(audio) - audio
    assert 0 < float(added.std()) < 0.1 * float(audio.std())


def test_discriminators_give_features_layer_by_layer() -> None:
    _, made = fresh(training())
    features = made(torch.randn(2, 2048, generator=torch.Generator().manual_seed(4)))
    assert [len(one) for one in features] == [8, 8, 6, 6]
    assert all(one[-1].shape[:2] == (2, 1) for one in features)


def test_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    one = fresh(training())[0].state_dict()
    torch.manual_seed(2)
    expected = torch.rand(3)
    torch.manual_seed(2)
    other = fresh(training())[0].state_dict()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert torch.equal(torch.rand(3), expected), "drawing weights moved the global generator"
