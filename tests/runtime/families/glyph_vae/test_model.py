"""The model: as many parameters as the compiler says, no look at what comes later, losses as defined, free bits as given."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from expc.compiler.contract.families.glyph_vae import Config, Model
from expc.compiler.families import glyph_vae as compiled
from expc.runtime.families.glyph_vae import data
from expc.runtime.families.glyph_vae.freerun import write
from expc.runtime.families.glyph_vae.model import Batch, GlyphVAE, divergence, members, unpack
from expc.runtime.families.glyph_vae.outlines import END, PAD
from tests.runtime.families.glyph_vae.tiny import CPU, DATA, MODEL, prepared, training

FULL = Model(512, 512, 16, 128, 16, 96, 3, 3, 8)
SMOKE = Model(96, 32, 4, 32, 8, 48, 2, 1, 4)


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    folder = prepared(tmp_path_factory.mktemp("glyph_vae") / "data")
    packed = data.load(folder, "train").packed(np.arange(6))
    return unpack(torch.from_numpy(packed), MODEL, CPU)[0]


def awake(seed: int = 1) -> GlyphVAE:
    """A model whose blocks do something: fresh ones add nothing."""
    made = GlyphVAE(MODEL)
    made.initialise(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.1)
    return made.eval()


def module_of(name: str) -> str:
    """The module of the design document that a parameter belongs to."""
    part, inner = name.split(".")[:2]
    own = {"pixels": f"{part}_pixels", "cross": "cross_attention", "hidden": "posterior", "posterior": "posterior"}
    heads = ("command", "command_hidden", "chosen", "coordinates", "coordinate_hidden")
    rest = {"encoder": "vector_encoder", "decoder": "heads" if inner in heads else "decoder"}
    return own.get(inner, rest[part])


@pytest.mark.parametrize("model", [MODEL, SMOKE, FULL])
def test_parameters_by_module_are_exact(model: Model) -> None:
    with torch.device("meta"):
        made = GlyphVAE(model)
    counted: dict[str, int] = {}
    for name, weight in made.named_parameters():
        counted[module_of(name)] = counted.get(module_of(name), 0) + weight.numel()
    assert counted == compiled.parameters(Config(model, DATA, training().config.optimizer))
    assert sum(len(group) for group in members(made).values()) == len(list(made.parameters()))


def test_the_full_size_has_about_sixty_million() -> None:
    assert sum(compiled.parameters(Config(FULL, DATA, training().config.optimizer)).values()) == pytest.approx(60e6, rel=0.1)


def test_operations_are_those_that_are_counted(batch: Batch) -> None:
    """Attention, matrices and convolutions of a forward and a backward pass, by torch's own counter."""
    from torch.utils.flop_counter import FlopCounterMode

    made = awake()
    counter = FlopCounterMode(display=False)
    with counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        losses = made.losses(batch, torch.zeros(6, 6), torch.zeros(6, dtype=torch.bool), 0.0, False)
        (losses["l1"] + losses["ce"] + losses["held"]).backward()
    assert counter.get_total_flops() / 6 == pytest.approx(
        compiled.flops_per_token(Config(MODEL, DATA, training().config.optimizer), 1), rel=0.1)


def test_what_comes_later_changes_nothing_before(batch: Batch) -> None:
    made, z = awake(), torch.randn(6, MODEL.latent)
    logits, coordinates = made(batch, z)
    for place in (3, 9):
        commands, values = batch.commands.clone(), batch.coordinates.clone()
        commands[:, place], values[:, place] = 4, 0.7
        other, moved = made(Batch(commands, values, batch.images), z)
        assert torch.equal(logits[:, : place + 1], other[:, : place + 1])
        assert torch.equal(coordinates[:, :place], moved[:, :place])
        assert not torch.equal(logits[:, place + 1], other[:, place + 1])


def test_padding_changes_nothing(batch: Batch) -> None:
    made = awake()
    values = batch.coordinates + 0.5 * (batch.commands == PAD)[..., None]
    other = Batch(batch.commands, values, batch.images)
    assert torch.allclose(made.encoder(batch)[0], made.encoder(other)[0], atol=1e-6)
    mean = made.encoder(batch)[0]
    for one, two in zip(made.reconstruction(batch, mean), made.reconstruction(other, mean), strict=True):
        assert torch.allclose(one, two, atol=1e-6)


def test_hiding_leaves_the_decoder_nothing_but_z(batch: Batch) -> None:
    made = awake()
    hidden = torch.tensor([True, False, True, False, False, False])
    z = made.encoder(batch)[0]
    blank = Batch(batch.commands, batch.coordinates, torch.zeros_like(batch.images))
    shown, without, none = (made.reconstruction(one, z)[1] for one in (batch, batch.hiding(hidden), blank))
    assert torch.equal(without[~hidden], shown[~hidden]) and torch.equal(without[hidden], none[hidden])
    assert not torch.equal(shown[hidden], none[hidden])


def test_losses_are_means_over_glyphs(batch: Batch) -> None:
    made, noise = awake(), torch.randn(6, MODEL.latent)
    hidden = torch.tensor([True, False] * 3)
    whole = made.losses(batch, noise, hidden, 2.0, False)
    halves = [made.losses(Batch(*(part[rows] for part in (batch.commands, batch.coordinates, batch.images))), noise[rows],
                          hidden[rows], 2.0, False) for rows in (slice(0, 3), slice(3, 6))]
    for name, value in whole.items():
        assert torch.allclose(value, (halves[0][name] + halves[1][name]) / 2, atol=1e-5), name


def test_the_divergence_is_that_of_normal_distributions() -> None:
    mu, log_variance = torch.tensor([0.0, 1.5, -0.3]), torch.tensor([0.0, -1.0, 0.7])
    exact = torch.distributions.kl_divergence(torch.distributions.Normal(mu, (log_variance / 2).exp()),
                                              torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(divergence(mu, log_variance), exact, atol=1e-6)


@pytest.mark.parametrize("each", [True, False])
def test_free_bits_cost_nothing_and_pull_at_nothing(each: bool, batch: Batch) -> None:
    made = awake()
    made.encoder.posterior.weight.grad = None

    def held(free: float) -> Tensor:
        return made.losses(batch, torch.zeros(6, MODEL.latent), torch.zeros(6, dtype=torch.bool), free, each)["held"]

    assert held(0.0).item() == pytest.approx(made.losses(batch, torch.zeros(6, MODEL.latent), torch.zeros(6, dtype=torch.bool),
                                                         0.0, each)["kl"].item())
    floor = held(1000.0)
    assert floor.item() == 1000 * (MODEL.latent if each else 1)
    floor.backward()
    assert made.encoder.posterior.weight.grad is None or not made.encoder.posterior.weight.grad.any()


def test_free_running_follows_the_likeliest_tokens(batch: Batch) -> None:
    made = awake()
    z = made.encoder(batch)[0]
    glyphs = write(made, batch.images, z)
    alone = [write(made, batch.images[i : i + 1], z[i : i + 1])[0] for i in range(6)]
    for one, other in zip(glyphs, alone, strict=True):
        assert one.commands.tolist() == other.commands.tolist() and np.allclose(one.coordinates, other.coordinates, atol=1e-4)
        assert END not in one.commands[:-1] and len(one.commands) <= MODEL.sequence_length
    commands = torch.as_tensor(alone[0].commands.astype(np.int64))[None]
    padded = torch.cat((commands, torch.full((1, MODEL.sequence_length - commands.size(1)), PAD)), dim=1)
    values = torch.zeros(1, MODEL.sequence_length, 4)
    values[0, : commands.size(1)] = torch.from_numpy(alone[0].coordinates)
    logits, _ = made(Batch(padded, values, batch.images[:1]), z[:1])
    assert logits[0, : commands.size(1)].argmax(-1).tolist() == alone[0].commands.tolist()


def test_a_fresh_model_begins_near_chance(batch: Batch) -> None:
    made = GlyphVAE(MODEL)
    made.initialise(3)
    losses = made.losses(batch, torch.zeros(6, MODEL.latent), torch.zeros(6, dtype=torch.bool), 0.0, False)
    assert losses["ce"].item() == pytest.approx(math.log(9), abs=0.1)
