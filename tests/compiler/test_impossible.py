"""What a user writes over a shipped spec, and what cannot be: data that fills no update, promises that no run keeps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from expc.compiler.diagnostics import Diagnostic
from expc.compiler.pipeline import Compiled, Session, artifacts
from tests.compiler.commands.shell import ROOT

Child = Callable[[str, str], Compiled]


@pytest.fixture
def child(tmp_path: Path) -> Child:
    """Compiles what inherits from a shipped spec and states something of its own."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")

    def compiled(base: str, text: str) -> Compiled:
        spec = (tmp_path / "specs" / base).with_name("child.yaml")
        spec.write_text(f"extends: {Path(base).name}\n{text}\n", encoding="utf-8")
        return Session(tmp_path).compile(spec)

    return compiled


def only(compiled: Compiled, code: str) -> list[Diagnostic]:
    return [one for one in compiled.diagnostics if one.code == code]


@pytest.mark.parametrize(("base", "text", "key"), [
    ("timbre_restore.yaml", "data: {clips: 10}", "data.clips"),
    ("timbre_restore.yaml", "phases: [{name: wide, from: 100, batch: {rows: 200000}}]", "data.clips"),
    ("glyph_vae.yaml", "data: {glyphs: 63}", "data.glyphs"),
    ("musicgen_lora/run3_full.yaml", "data: {clips: 7}", "data.clips"),
    ("meloformer_small.yaml", "data: {rows: 7}", "data.rows"),
    ("d8_depth.yaml", "claims: {samples: 3}", "claims.samples")])
def test_data_that_fills_no_update(child: Child, base: str, text: str, key: str) -> None:
    assert key in [one.keys[0] for one in only(child(base, text), "E384")]


@pytest.mark.parametrize(("base", "text"), [("timbre_restore.yaml", "data: {clips: 16}"),
                                            ("glyph_vae.yaml", "data: {glyphs: 64}")])
def test_data_that_fills_one_update_is_enough(child: Child, base: str, text: str) -> None:
    assert not only(child(base, text), "E384")


@pytest.mark.parametrize("base", ["d8_depth.yaml", "meloformer_small.yaml", "glyph_vae.yaml"])
@pytest.mark.parametrize(("said", "what"), [("0%", "validate"), ("100%", "train"), ("1.0", "train"), ("0.0", "validate")])
def test_a_part_without_anything(child: Child, base: str, said: str, what: str) -> None:
    (found,) = only(child(base, f"data: {{valid_fraction: {said}}}"), "E307")
    assert found.keys == ("data.valid_fraction",) and f"nothing to {what} on" in found.message


def test_a_folder_that_is_ready_is_parted_already(child: Child) -> None:
    assert not only(child("nanochat_d8.yaml", "data: {valid_fraction: 0%}"), "E307")
    made = "data: {source: synthetic, path: null, pieces: 100, valid_fraction: 0%}"
    assert only(child("nanochat_d8.yaml", made), "E307")


def test_one_piece_cannot_be_parted(child: Child) -> None:
    assert only(child("d8_depth.yaml", "data: {pieces: 1}"), "E307")
    assert not only(child("d8_depth.yaml", "data: {pieces: 2}"), "E307")


@pytest.mark.parametrize(("expect", "code"), [
    ("{metric: eval.structure, at_least: 83%}, {metric: eval.structure, at_most: 50%}", "E335"),
    ("{metric: eval.structure, at_least: 50%}, {metric: eval.structure, below: 50%}", "E335"),
    ("{metric: train_time, at_most: 1s}", "E336"), ("{metric: train_time, below: -1s}", "E336"),
    ("{metric: valid_loss, below: -5}", "E336"), ("{metric: valid_loss, below: 0}", "E336"),
    ("{metric: eval.structure, above: 100%}", "E336"), ("{metric: peak_memory, at_most: 1MB}", "W337")])
def test_promises_that_no_run_keeps(child: Child, expect: str, code: str) -> None:
    assert len(only(child("d8_v2.yaml", f"expect: [{expect}]"), code)) == 1


@pytest.mark.parametrize("expect", [
    "{metric: eval.structure, at_least: 50%}, {metric: eval.structure, at_most: 50%}", "{metric: valid_loss, at_most: 0}",
    "{metric: eval.structure, at_least: 100%}", "{metric: peak_memory, at_most: 1.3GB}", "{metric: train_time, at_most: 3m}"])
def test_promises_that_a_run_may_keep(child: Child, expect: str) -> None:
    assert not {"E335", "E336", "W337"} & {one.code for one in child("d8_v2.yaml", f"expect: [{expect}]").diagnostics}


def test_a_bound_below_the_least_that_a_run_takes(child: Child) -> None:
    (found,) = only(child("glyph_vae.yaml", "expect: [{metric: train_time, at_most: 1m}]"), "E336")
    assert found.message == "train_time is at least 5 min 1 s, the bound 1 min 0 s"
    assert only(child("glyph_vae.yaml", "expect: [{metric: peak_memory, at_most: 800MB}]"), "W337")


def test_a_milestone_below_zero(child: Child) -> None:
    assert only(child("d8_v2.yaml", "milestones: [{metric: valid_loss, by: 10k, below: -1}]"), "E336")


@pytest.mark.parametrize("base", ["timbre_restore.yaml", "glyph_vae.yaml", "meloformer_small.yaml", "d8_depth.yaml",
                                  "musicgen_lora/run1_padded.yaml"])
def test_a_family_by_reference_has_its_defaults(child: Child, base: str) -> None:
    plain = child(base, "goal: gpt")
    assert plain.experiment is not None
    family = plain.experiment.training.family
    named = child(base, f"goal: {family}\nmodel: {{family: '${{goal}}'}}")
    assert named.experiment is not None and named.experiment.training == plain.experiment.training


@pytest.mark.parametrize(("base", "text", "key"), [
    ("musicgen_lora/run4_stage1.yaml", "data: {clip_seconds: 0s}", "data.clip_seconds"),
    ("musicgen_lora/run4_stage1.yaml", "data: {frame_rate: 1e-308}", "data.frame_rate"),
    ("musicgen_lora/run4_stage1.yaml", "data: {frame_rate: 0.001}", "data"),
    ("meloformer_small.yaml", "phases: [{name: a, to: 100, batch: {rows: 1e300}}]", "phases.0.batch.rows"),
    ("nanochat_d8.yaml", "eval: {validation: {batches: 1e308}}", "eval.validation.batches"),
    ("d8_v2.yaml", "optimizer: {embedding_lr: 1e308}", "optimizer.embedding_lr"),
    ("timbre_restore.yaml", "steps: null\nepochs: 999e12", "epochs")])
def test_numbers_that_nothing_can_be_computed_with(child: Child, base: str, text: str, key: str) -> None:
    assert [one.keys[0] for one in only(child(base, text), "E110")] == [key]


def test_an_empty_word_is_a_word(child: Child) -> None:
    done = child("own_script.yaml", "command: {env: {CUDA_VISIBLE_DEVICES: ''}, flags: {tag: ''}}\nlaunch: {standalone: true}")
    assert done.experiment is not None
    texts = artifacts(done.experiment)
    launcher = next(text for name, text in texts.items() if name.endswith(".standalone.sh"))
    assert "--tag ''" in launcher and "CUDA_VISIBLE_DEVICES=''" in launcher
    assert any('`""`' in text for name, text in texts.items() if name.endswith("DESIGN.md"))


def test_no_argument_holds_nul(child: Child) -> None:
    assert only(child("own_script.yaml", 'command: {directory: "a\\0b"}'), "E106")
