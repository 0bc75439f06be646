"""Training: it learns, it repeats itself bit for bit, it goes on as if nothing had been, and phases change its weights."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from expc.compiler.contract.phases import Batch, Phase
from expc.compiler.families.glyph_vae import EVALUATED, LOGGED, METRICS
from expc.runtime.families import glyph_vae
from expc.runtime.families.glyph_vae.task import GlyphTask
from tests.runtime.families.glyph_vae.tiny import CPU, prepared, train, training


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("glyph_vae") / "data")


def same(one: GlyphTask, other: GlyphTask) -> bool:
    second = other.model.state_dict()
    return all(torch.equal(value, second[name]) for name, value in one.model.state_dict().items())


def test_learns(folder: Path) -> None:
    task = glyph_vae.build(training(steps=120), folder, CPU)
    before = task.validate(8)
    train(task, 0, 120)
    after = task.validate(8)
    assert after["valid_l1"] < 0.7 * before["valid_l1"] and after["valid_ce"] < 0.7 * before["valid_ce"]


def test_it_logs_and_measures_what_the_compiler_says(folder: Path) -> None:
    task = glyph_vae.build(training(), folder, CPU)
    assert task.step(0, 0).keys() == {metric.name for metric in LOGGED}
    assert task.validate(1).keys() == {"valid_loss", *(metric.name for metric in METRICS)}
    assert task.validate(1) == task.validate(1)


def test_stopping_and_going_on_equals_going_through(folder: Path) -> None:
    through, stopped, resumed = (glyph_vae.build(training(), folder, CPU) for _ in range(3))
    whole = train(through, 0, 12)
    first = train(stopped, 0, 7)
    torch.manual_seed(99)
    resumed.model.load_state_dict(stopped.model.state_dict())
    resumed.optimizers["adamw"].load_state_dict(copy.deepcopy(stopped.optimizers["adamw"].state_dict()))
    assert first + train(resumed, 7, 12) == whole and same(through, resumed)


def test_half_the_rows_twice_are_the_same_update(folder: Path) -> None:
    one, two = (glyph_vae.build(training(batch), folder, CPU) for batch in (Batch(6, 1, 1, 1), Batch(3, 1, 2, 1)))
    losses = train(one, 0, 3), train(two, 0, 3)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_kl_is_warmed_up_by_the_contracts_law_and_phases_replace_weights(folder: Path) -> None:
    task = glyph_vae.build(training(losses={"kl": 0.5}), folder, CPU)
    assert [float(task.step(update, 0)["beta"]) for update in (0, 5, 10, 99)] == pytest.approx([0, 0.25, 0.5, 0.5])
    batch = task.batch
    task.enter(Phase("late", 10, 20, batch, False, {}, {"kl": 2.0, "l1": 0.0, "ce": 0.0}, ()), 0)
    logged = task.step(20, 0)
    assert float(logged["beta"]) == 2.0 and float(logged["loss"]) == pytest.approx(2 * float(logged["kl"]), rel=1e-5)


def test_the_validation_loss_means_the_same_at_every_step(folder: Path) -> None:
    run = training(losses={"l1": 2.0, "ce": 3.0, "kl": 0.5})
    task = glyph_vae.build(run, folder, CPU)
    task.enter(replace(run.phases[0], losses={"kl": 9.0}), 0)
    found = task.validate(8)
    assert found["valid_loss"] == pytest.approx(2 * found["valid_l1"] + 3 * found["valid_ce"] + 0.5 * found["valid_kl"])


def test_a_dead_latent_vector_is_seen(folder: Path) -> None:
    task = glyph_vae.build(training(), folder, CPU)
    with torch.no_grad():
        task.model.encoder.posterior.weight.zero_()
    found = task.validate(8)
    assert found["active_units"] == 0 and found["z_gap"] == pytest.approx(0, abs=1e-9)


@pytest.fixture(scope="module")
def checkpoint(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt to write a little."""
    task = glyph_vae.build(training(steps=150), folder, CPU)
    train(task, 0, 150)
    saved = tmp_path_factory.mktemp("checkpoint")
    save_file(task.model.state_dict(), saved / "glyph_vae.safetensors")
    return saved


def test_the_evaluation_measures_what_the_compiler_says_and_shows_it(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    found = glyph_vae.evaluate(training(), folder, checkpoint, CPU, tmp_path / "shown", lambda text: None)
    names = {metric.name for metric in EVALUATED}
    assert found.measured.keys() == names and found.against.keys() == {"untrained"}
    assert found.against["untrained"].keys() == names
    assert found.measured["chamfer"] < found.against["untrained"]["chamfer"]
    assert found.measured["command_accuracy"] > found.against["untrained"]["command_accuracy"]
    assert {one.path for one in found.exhibits} == {path.name for path in (tmp_path / "shown").iterdir()}
    assert "<path" in (tmp_path / "shown" / "samples.svg").read_text()


def test_samples_depend_on_seed_and_number_alone(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    texts = []
    for count, seed in ((2, 5), (3, 5), (2, 6)):
        (target := tmp_path / f"{count}_{seed}").mkdir()
        paths = glyph_vae.sample(training(), folder, checkpoint, CPU, target, count, seed, lambda text: None)
        texts.append([path.read_text() for path in paths])
    assert len(texts[1]) == 3 and texts[0] == texts[1][:2] and texts[0] != texts[2]


def test_a_probe_takes_time() -> None:
    assert glyph_vae.probe(training(), CPU, 1) > 0


def test_a_probe_takes_its_losses_in_the_precision_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU that is bf16 where the spec says so; here, what enters it is written down."""
    asked: list[tuple[str, torch.device]] = []
    monkeypatch.setattr(glyph_vae, "precision", lambda run, device: asked.append((run.precision, device)) or nullcontext())
    glyph_vae.probe(replace(training(), precision="bf16"), CPU, 1)
    assert asked == [("bf16", CPU)] * 2
