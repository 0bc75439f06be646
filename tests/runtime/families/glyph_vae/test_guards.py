"""The guards of the shipped spec: silent at the state that a run begins in, heard where z dies or explodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.families.glyph_vae import Model
from expc.compiler.contract.guards import Guard
from expc.compiler.pipeline import Session
from expc.runtime import phases
from expc.runtime.families import glyph_vae
from expc.runtime.families.glyph_vae import data
from expc.runtime.families.glyph_vae.model import GlyphVAE, divergence, unpack
from expc.runtime.guards import Guards
from tests.runtime.families.glyph_vae.tiny import CPU, DATA, prepared, training

ROOT = Path(__file__).parents[4]
PROFILES = (None, "high_quality", "conservative", "aggressive", "smoke")
STEPS, EVERY = 48, 4


def shipped(profile: str | None) -> Experiment:
    experiment = Session(ROOT, profile).compile(ROOT / "specs" / "glyph_vae.yaml").experiment
    assert experiment is not None
    return experiment


def watching(guards: tuple[Guard, ...]) -> tuple[Guards, list[str]]:
    """The guards, and the names of those that have fired, in order."""
    fired: list[str] = []
    return Guards(guards, lambda guard, *_: fired.append(guard.name)), fired


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Model], Path]:
    """A folder of glyphs in the sizes of a model, made once for each."""
    made: dict[tuple[int, int], Path] = {}

    def of(model: Model) -> Path:
        sizes = (model.sequence_length, model.image_size)
        if sizes not in made:
            run, made[sizes] = training(), tmp_path_factory.mktemp("drawn")
            run = replace(run, config=replace(run.config, model=model, data=DATA))
            glyph_vae.prepare(run, made[sizes], made[sizes], lambda text: None)
        return made[sizes]

    return of


@pytest.mark.parametrize("profile", PROFILES)
def test_no_guard_minds_the_state_that_a_run_begins_in(profile: str | None, drawn: Callable[[Model], Path]) -> None:
    """The encoder of each profile at its full width, on real glyphs; the decoder says nothing of the KL."""
    experiment = shipped(profile)
    model = replace(experiment.training.config.model, decoder_layers=1)
    fresh = GlyphVAE(model)
    fresh.initialise(experiment.training.seed or 0)
    glyphs = unpack(torch.from_numpy(data.load(drawn(model), "train").packed(np.arange(4))), model, CPU)[0]
    with torch.no_grad():
        kl = float(divergence(*fresh.encoder(glyphs)).sum(1).mean())
    assert kl == pytest.approx(model.latent, rel=0.1)
    guards, fired = watching(experiment.guards)
    for step in range(1, 500):
        guards.observe(step, step, {"kl": kl, "step": step, "loss": 1.0})
    assert not fired and guards.decided is None


@pytest.mark.parametrize("profile", PROFILES)
def test_a_kl_that_stays_high_after_its_warmup_is_heard(profile: str | None) -> None:
    """During the warmup it is hardly penalised, and stands higher than that in sound runs."""
    experiment = shipped(profile)
    guards, fired = watching(experiment.guards)
    warmup = experiment.training.config.optimizer.kl_warmup_steps
    for step in range(warmup - 150, warmup + 1):
        guards.observe(step, step, {"kl": 1e3, "step": step, "loss": 1.0})
    assert not fired and guards.decided is None
    guards.observe(warmup + 1, warmup + 1, {"kl": 1e3, "step": warmup + 1, "loss": 1.0})
    assert fired == ["kl_high"]
    assert (guards.decided is not None and guards.decided.guard.name == "kl_exploded") == (profile != "smoke")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("glyph_vae") / "data")


def heard(folder: Path, kl: float, latent: int) -> set[str]:
    """Which guards of the smoke fire while a tiny model trains under that weight of the KL, validated every few updates."""
    run = training(steps=STEPS, losses={"kl": kl}, kl_warmup_steps=0)
    run = replace(run, config=replace(run.config, model=replace(run.config.model, latent=latent)))
    task = glyph_vae.build(run, folder, CPU)
    smoke = shipped("smoke")
    guards, fired = watching(tuple(replace(one, when=one.when.replace("step > 200", "step > 8")) for one in smoke.guards))
    for step in range(1, STEPS + 1):
        phases.apply(task.optimizers.values(), run, step - 1)
        logged = {name: float(value) for name, value in task.step(step - 1, (step - 1) * task.batch.samples).items()}
        guards.observe(step, step, logged | {"step": step})
        if step % EVERY == 0:
            guards.observe(step, step, task.validate(8), validated=True)
    assert guards.decided is None
    return set(fired)


def test_a_latent_vector_that_collapses_is_heard(folder: Path) -> None:
    assert heard(folder, kl=20.0, latent=6) == {"latent_dead", "latent_unused"}


def test_a_kl_that_explodes_is_heard(folder: Path) -> None:
    found = heard(folder, kl=0.0, latent=64)
    assert "kl_high" in found and "latent_dead" not in found
