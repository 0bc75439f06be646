"""What the compiler knows of the glyph VAE: configuration, groups, warmup, free bits, operations, and what it does not know."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract import snapshot
from expc.compiler.contract.families.glyph_vae import Config, Data, Model, Objective
from expc.compiler.contract.phases import Batch
from expc.compiler.contract.quantities import NotAQuantity
from expc.compiler.families import glyph_vae
from expc.compiler.pipeline import Compiled, Session, artifacts

ROOT = Path(__file__).parents[3]
EXAMPLES = Path(__file__).parents[1] / "examples"
SPEC: dict[str, Any] = {
    "model": {"family": "glyph_vae", "dim": 512, "latent": 512, "heads": 16, "image_size": 128, "patch": 16,
              "sequence_length": 96, "vector_layers": 3, "cross_layers": 3, "decoder_layers": 8},
    "data": {"source": "folder", "path": "fonts", "characters": "AB", "glyphs": "10k", "seed": 1, "valid_fraction": "5%"},
    "optimizer": {"lr": 4e-4, "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8,
                  "losses": {"l1": 40, "ce": 3, "kl": 1}, "kl_warmup_steps": "50k", "free_bits": 5,
                  "free_bits_over": "dimension", "image_dropout": 0},
}
FULL = Config(Model(512, 512, 16, 128, 16, 96, 3, 3, 8), Data("folder", "fonts", "AB", 10_000, 1, 0.05),
              Objective({"l1": 40.0, "ce": 3.0, "kl": 1.0}, 50_000, 5.0, "dimension", 0.0))


def compiled(profile: str | None = None) -> Compiled:
    return Session(ROOT, profile).compile(ROOT / "specs" / "glyph_vae.yaml")


def test_the_configuration_of_a_spec() -> None:
    assert glyph_vae.config(SPEC) == FULL
    with pytest.raises(NotAQuantity):
        glyph_vae.config(SPEC | {"data": SPEC["data"] | {"glyphs": "many"}})


def test_the_fragment_covers_exactly_the_configuration() -> None:
    fragment = json.loads(files("expc.compiler.families").joinpath(glyph_vae.SCHEMA_FILE).read_text(encoding="utf-8"))
    for part, kind in (("model", Model), ("data", Data)):
        assert set(fragment["properties"][part]["properties"]) - {"family"} == {one.name for one in dataclasses.fields(kind)}
    said = set(fragment["properties"]["optimizer"]["properties"])
    assert {one.name for one in dataclasses.fields(Objective)} <= said
    assert tuple(fragment["properties"]["optimizer"]["properties"]["losses"]["properties"]) == glyph_vae.LOSSES


def test_both_groups_take_the_rate_as_it_is() -> None:
    for rows in (1, 64):
        groups = glyph_vae.groups(SPEC, FULL, Batch(rows, 1, 1, 1))
        assert [(group.name, group.rate, group.weight_decay) for group in groups] == [
            ("encoder", 4e-4, 0.01), ("decoder", 4e-4, 0.01)]


@given(st.integers(0, 1000), st.integers(0, 3000))
def test_the_kl_is_warmed_up_linearly_and_then_stays(warmup: int, update: int) -> None:
    objective = dataclasses.replace(FULL.optimizer, kl_warmup_steps=warmup)
    assert objective.warmed(update) == pytest.approx(min(1.0, update / warmup) if warmup else 1.0)
    assert objective.warmed(update) <= objective.warmed(update + 1) <= 1


def test_free_bits_add_up_over_the_dimensions_they_are_given_in() -> None:
    assert FULL.optimizer.floor(512) == 2560
    assert dataclasses.replace(FULL.optimizer, free_bits_over="total").floor(512) == 5


def test_an_epoch_has_the_stated_glyphs_and_a_sample_is_one() -> None:
    assert glyph_vae.epoch_samples(FULL) == 10_000 and glyph_vae.sample_length(FULL) == 1
    experiment = compiled().experiment
    assert experiment is not None
    assert experiment.training.steps == 600 * 10_000 // 64 and experiment.training.served(93_750).samples == 6_000_000


def test_there_is_no_loss_of_chance() -> None:
    assert glyph_vae.chance_loss(FULL) is None


@pytest.mark.parametrize(("kind", "method"), [("cpu", "estimated"), ("cuda", "unverified")])
def test_memory_is_called_checked_only_where_it_was(kind: str, method: str) -> None:
    assert glyph_vae.memory_method("bf16", False, kind)[0] == method


def test_memory_at_full_size_by_hand() -> None:
    """At the losses: 21 x dim a token and 3 x dim a patch in a layer of the decoder, no gradients yet."""
    total, tokens, patches, edges = 56_472_640, 16 * 96, 16 * 64, 16 * 32 * 128**2
    memory = patches + 16
    block = tokens * (21 * 512 + 2 * 16 + 4) + memory * (3 * 512 + 1)
    assert glyph_vae.memory(FULL, Batch(16, 1, 1, 4), "fp32", False, "cpu") == {
        "weights": 4 * total, "optimizer_state": 8 * total,
        "inputs": 4 * 16 * (5 * 96 + 128**2 + 512 + 1 + 2 * 96),
        "heads_activations": 4 * tokens * (7 * 512 + 2 * 9 + 4 + 1),
        "decoder_activations": 4 * (8 * block + tokens * 4 + memory * 512),
        "decoder_pixels_activations": 4 * (edges * 7 // 2 + patches * 513 + 16 * 128**2),
        "posterior_activations": 4 * (tokens * 514 + 16 * (3 * 512 + 8 * 512)),
        "cross_attention_activations": 4 * (3 * (tokens * (14 * 512 + 16 + 2) + patches * 1537) + patches * 512),
        "vector_encoder_activations": 4 * (3 * tokens * (17 * 512 + 16 + 4) + tokens * 4),
        "encoder_pixels_activations": 4 * (edges * 7 // 2 + patches * 513),
        "workspace": 4 * (tokens * 512 + 512**2)}


def test_memory_of_one_glyph_is_fullest_where_all_gradients_are_there() -> None:
    memory = glyph_vae.memory(FULL, Batch(1, 1, 1, 1), "fp32", False, "cpu")
    assert memory["gradients"] > 0.97 * memory["weights"] and "decoder_activations" not in memory


def test_memory_of_accumulation_holds_gradients_beside_the_losses() -> None:
    once, twice = (glyph_vae.memory(FULL, Batch(16, 1, count, 1), "fp32", False, "cpu") for count in (1, 2))
    assert twice == once | {"gradients": once["weights"]}


@given(st.integers(1, 64), st.sampled_from(("rows", "decoder_layers", "sequence_length", "dim")))
def test_a_larger_model_or_batch_never_needs_less_memory(more: int, what: str) -> None:
    small = sum(glyph_vae.memory(FULL, Batch(4, 1, 1, 1), "fp32", False, "cpu").values())
    size = {} if what == "rows" else {what: getattr(FULL.model, what) + more * (16 if what == "dim" else 1)}
    larger = dataclasses.replace(FULL, model=dataclasses.replace(FULL.model, **size))
    rows = 4 + more if what == "rows" else 4
    assert sum(glyph_vae.memory(larger, Batch(rows, 1, 1, 1), "fp32", False, "cpu").values()) > small


def test_every_form_of_the_spec_is_sound_and_survives_freezing() -> None:
    for profile in (None, "high_quality", "conservative", "aggressive", "smoke"):
        one = compiled(profile)
        assert one.diagnostics == () and one.experiment is not None, profile
        assert snapshot.loads(snapshot.dumps(one.experiment)) == one.experiment


@pytest.mark.parametrize(("profile", "on_one_card"), [(None, 10_000), ("high_quality", 50_000), ("conservative", 50_000),
                                                      ("aggressive", 50_000 * 16 / 12)])
def test_every_warmup_of_the_source_takes_the_epochs_that_it_took_on_one_card(profile: str | None, on_one_card: float) -> None:
    experiment = compiled(profile).experiment
    assert experiment is not None and experiment.training.batch is not None
    run, batch = experiment.training, experiment.training.batch
    assert batch.ranks == 4
    assert run.config.optimizer.kl_warmup_steps == round(on_one_card / batch.ranks)
    for milestone, stated in zip(experiment.milestones, (10_000, 50_000), strict=False):
        assert milestone.step == stated / batch.ranks


@pytest.mark.parametrize("profile", [None, "high_quality"])
def test_the_source_s_halves_are_wrong_as_the_note_says_and_their_sum_is_about_right(profile: str | None) -> None:
    experiment = compiled(profile).experiment
    assert experiment is not None
    count = experiment.predictions.parameters
    decoder = count["decoder"] + count["decoder_pixels"] + count["heads"]
    assert decoder < 42e6 and sum(count.values()) - decoder > 18e6
    assert sum(count.values()) == pytest.approx(60e6, rel=0.1)


def test_the_source_s_sums_are_those_of_the_notes() -> None:
    experiment = compiled().experiment
    assert experiment is not None
    notes = {note.about: note.text for note in experiment.notes}
    low, high = (f"{math.floor(seconds * 625 * 600 / 3600 + 0.5):,}" for seconds in (10, 15))
    assert f"{low} to {high} h" in notes["epochs"]["en"] and f"{low} 至 {high} 小时" in notes["epochs"]["zh"]
    adam = f"{60 * 2 * glyph_vae.FP32} MB"
    assert all(adam in text for text in notes["hardware.memory_budget"].values())


@pytest.mark.parametrize("profile", [None, "high_quality", "conservative", "aggressive", "smoke"])
def test_notes_and_reasons_give_the_same_figures_in_both_languages(profile: str | None) -> None:
    experiment = compiled(profile).experiment
    assert experiment is not None and experiment.notes
    texts = [note.text for note in experiment.notes] + [one.why for one in (*experiment.guards, *experiment.expectations)]
    for text in texts:
        if text is not None and len(text) > 1:
            zh, en = (re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3})", "", text[name])) for name in ("zh", "en"))
            assert set(zh) == set(en), text


def test_high_quality_is_set_beside_the_standard_factor_by_factor() -> None:
    experiment, standard = compiled("high_quality").experiment, compiled().experiment
    assert experiment is not None and standard is not None and experiment.against is not None
    assert experiment.against.run == "glyph_vae" and experiment.against.predictions == standard.predictions
    assert {change.key: (change.before, change.after) for change in experiment.against.changes} == {
        "model.latent": ("128", "512"), "optimizer.losses.l1": ("10", "40"), "optimizer.kl_warmup_steps": ("2500", "12500"),
        "optimizer.free_bits": ("0", "5")}
    page = artifacts(experiment)["glyph_vae.high_quality/EXPERIMENT_GLYPH_VAE_DESIGN.en.md"]
    assert "| `model.latent` | `128` | `512` | × 4 | The source calls" in page
    assert "| Posterior head | 393,216 | 786,432 | × 2 |" in page
    assert "| Memory: Activations of the cross-attention | " in page and "| **Peak memory** | ≥" not in page


@pytest.mark.parametrize("profile", ["conservative", "aggressive"])
def test_every_value_of_high_quality_that_a_further_profile_takes_has_its_reason(profile: str) -> None:
    experiment, model = compiled(profile).experiment, compiled("high_quality").experiment
    assert experiment is not None and model is not None and model.against is not None
    told = {note.about for note in experiment.notes}
    assert {change.key for change in model.against.changes} <= told


@pytest.mark.parametrize("name", ["itself", "absent", "broken"])
def test_a_form_to_set_beside_that_cannot_be_is_said(name: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "specs" / "child.yaml"
    profiles = {"itself": {"seed": 2}, "broken": {"model": {"heads": 5}}}
    spec.write_text(yaml.safe_dump({"extends": "glyphs.yaml", "name": "child", "profiles": profiles,
                                    "report": {"against": name}}))
    found = Session(tmp_path, "itself").compile(spec).diagnostics
    assert [one.code for one in found] == ["E484"]
    said = {"itself": "this form of it itself", "absent": "no profile of this spec", "broken": "not sound itself"}
    assert found[0].message == f"{name} is {said[name]}"
    (tmp_path / "specs" / "glyphs.yaml").write_text((tmp_path / "specs" / "glyphs.yaml").read_text() + "date: 2026-02-30\n")
    codes = {one.code for one in Session(tmp_path, "itself").compile(spec).diagnostics}
    assert codes == ({"E371"} if name == "broken" else {"E371", "E484"})  # a form that is there has that mistake too


def test_a_resumed_run_may_weigh_its_losses_anew_but_not_change_its_architecture(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "specs" / "child.yaml"
    codes = []
    for overlay in ({"optimizer": {"losses": {"kl": 0.1}}}, {"model": {"latent": 9}}):
        spec.write_text(yaml.safe_dump({"extends": "glyphs.yaml", "name": "child", "steps": 2000,
                                        "resume": {"from": "glyphs.yaml", "step": 1000}, **overlay}))
        codes.append({one.code for one in Session(tmp_path).compile(spec).diagnostics if one.code.startswith("E")})
    assert codes == [set(), {"E312"}]
