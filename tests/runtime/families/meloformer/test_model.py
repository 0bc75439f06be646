"""The MeloFormer's attention: one rule, two kernels; nothing from later tokens; the same token by token as all at once."""

from __future__ import annotations

import warnings

import pytest
import torch

from expc.compiler.contract.families.meloformer import FINE_BARS, Config
from expc.compiler.families import meloformer as compiled
from expc.runtime.families.meloformer import mask
from expc.runtime.families.meloformer.model import MeloFormer
from expc.runtime.families.meloformer.sampling import Reader, sample
from expc.runtime.midi import encoding, synthetic
from tests.runtime.families.meloformer import tiny


def rows(length: int = 256) -> torch.Tensor:
    """Two rows: one that begins with a piece, one that cuts one and holds the beginning of another."""
    ids = [token for index in range(3) for token in encoding.encode(synthetic.generate(2, index))]
    border = next(place for place, token in enumerate(ids) if place and token == 1)
    return torch.tensor([ids[:length], ids[border - length // 2 :][:length]])


def seen(layout: mask.Layout, row: int, query: int) -> set[int]:
    """The positions that one position sees."""
    keys = torch.arange(layout.bar.size(1))
    return set(keys[mask.sees(layout, torch.tensor(row), torch.tensor(query), keys)].tolist())


def test_a_token_sees_near_bars_in_full_and_the_others_through_their_summaries() -> None:
    tokens = rows(860)[:1]
    layout, bars = mask.layout(tokens, 24), mask.bars_of(tokens)[1][0]
    place = int((bars == 15).nonzero()[-1])
    fine = {15 - distance for distance in FINE_BARS}
    assert seen(layout, 0, 24 + place) == {bar for bar in range(1, 15) if bar not in fine} | {
        24 + one for one in range(place + 1) if int(bars[one]) in fine}


def test_a_summary_sees_its_bar_and_the_summaries_before_it() -> None:
    tokens = rows(860)[:1]
    layout, bars = mask.layout(tokens, 24), mask.bars_of(tokens)[1][0]
    assert seen(layout, 0, 5) == {1, 2, 3, 4, 5} | {24 + int(one) for one in (bars == 5).nonzero()[:, 0]}


def test_pieces_in_a_row_do_not_see_one_another() -> None:
    tokens = rows()
    layout, border = mask.layout(tokens, 12), int((tokens[1] == 1).nonzero()[0])
    there = seen(layout, 1, 12 + 255)
    assert min(one for one in there if one >= 12) >= 12 + border
    assert {int(layout.piece[1, one]) for one in there} == {1}


def test_everything_sees_itself() -> None:
    layout = mask.layout(rows(), 40)
    everywhere = torch.arange(layout.bar.size(1))
    assert bool(mask.sees(layout, torch.tensor(1), everywhere, everywhere).all())


@torch.no_grad()
def test_both_kernels_give_the_same() -> None:
    model = tiny.awake(sequence_length=256)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FlexAttention says that it is slow without a compiler
        flex = model(rows(), mask.Flex)
    assert torch.allclose(model(rows(), mask.Dense), flex, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("place", range(1, 256, 17))
def test_no_logit_depends_on_a_later_token(place: int) -> None:
    model, tokens = tiny.awake(sequence_length=256), rows()
    other = tokens.clone()
    other[:, place] = (other[:, place] + 41) % model.model.vocabulary
    change = (model(other) - model(tokens)).abs().amax((0, 2))
    assert float(change[:place].max()) == 0.0 and float(change[place:].max()) > 0.0


def test_a_far_bar_reaches_a_token_through_its_summary_alone() -> None:
    tokens = rows(860)[:1]
    model, bars = tiny.awake(sequence_length=860, depth=1, bars=24), mask.bars_of(tokens)[1][0]
    late, far = int((bars == 15).nonzero()[-1]), bars == 5
    assert 15 - 5 not in FINE_BARS
    reached = {}
    for name, strength in (("with", 1.0), ("without", 0.0)):
        with torch.no_grad():
            model.blocks[0].attention.summary.weight.mul_(strength)
        embedded = model.embedding(tokens).detach().requires_grad_()
        model.embedding.forward = lambda ids, held=embedded: held  # type: ignore[method-assign, misc]
        model(tokens)[0, late].square().sum().backward()
        del model.embedding.forward
        assert embedded.grad is not None
        reached[name] = float(embedded.grad[0][far].abs().max())
    assert reached["with"] > 0.0 == reached["without"]


@torch.no_grad()
def test_reading_token_by_token_gives_the_logits_of_the_whole() -> None:
    model, tokens = tiny.awake(sequence_length=600), rows(600)[0]
    reader = Reader(model)
    steps = torch.stack([reader.read(int(token)) for token in tokens])
    assert torch.allclose(steps, model(tokens[None])[0], atol=1e-4)


def test_a_sample_depends_on_its_seed_alone_and_keeps_to_the_context() -> None:
    model = tiny.awake()
    one, again, other = (sample(model, 500, seed, 1.0) for seed in (3, 3, 4))
    assert one == again != other and len(one) <= model.model.sequence_length


@pytest.mark.parametrize("size", [{}, {"depth": 12, "dim": 704, "heads": 11, "sequence_length": 8192, "bars": 384}])
def test_parameters_are_counted_as_they_are_built(size: dict[str, int]) -> None:
    with torch.device("meta"):
        built = MeloFormer(tiny.model(**size))
    counted = compiled.parameters(Config(tiny.model(**size), tiny.data()))
    modules = {"token_embedding": "embedding.", "summary_token": "summary_token", "mlp": ".up. .down.",
               "attention": "attention.joint attention.output", "summary_projection": "attention.summary."}
    for module, names in modules.items():
        assert counted[module] == sum(weight.numel() for name, weight in built.named_parameters()
                                      if any(one in name for one in names.split())), module
    assert sum(counted.values()) == sum(weight.numel() for weight in built.parameters())
