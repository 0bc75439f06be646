"""Spec to experiment: what lowering reads, what references do, what the main experiment resolves to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from expc.compiler.contract.retention import is_kept, newest_kept
from expc.compiler.contract.snapshot import training_sha256
from expc.compiler.pipeline import Compiled, Session

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "examples"


def shipped(name: str, profile: str | None = None, *overrides: str) -> Compiled:
    return Session(ROOT, profile).compile(ROOT / "specs" / f"{name}.yaml", overrides)


def child(tmp_path: Path, **overlay: object) -> Compiled:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "specs" / "child.yaml"
    spec.write_text(yaml.safe_dump({"extends": "parent.yaml", "name": "child", **overlay}))
    return Session(tmp_path).compile(spec)


def test_the_main_experiment() -> None:
    experiment = shipped("d8_v2").experiment
    assert experiment is not None
    training = experiment.training
    assert (training.steps, training.resume and training.resume.step) == (20000, 5000)
    assert training.batch.tokens == 4096
    rates = {group.name: group.requested_rate for group in training.groups}
    assert rates == {"embedding": 0.22, "value_embeddings": 0.11, "unembedding": 0.003, "matrix": 0.016}
    peaks = {group.name: group.rate for group in training.groups}
    # nanochat's own figures for .016 / .22 / .003 at 4,096 tokens
    assert peaks["matrix"] == pytest.approx(0.001414, rel=1e-3)
    assert peaks["embedding"] == pytest.approx(0.03368, rel=1e-3)
    assert peaks["unembedding"] == pytest.approx(0.000459, rel=2e-3)
    assert sum(experiment.predictions.parameters.values()) == 6_291_456 + 1_536 * 8192
    assert [one.step for one in experiment.evaluation.compare] == [1000, 5000, 5000]
    assert {suite.name: suite.weight for suite in experiment.evaluation.suites} == {
        "structure": 0.4, "tab_completion": 0.3, "note_completion": 0.3}


def test_only_what_differs_from_the_parent_is_a_change() -> None:
    experiment = shipped("d8_v2").experiment
    assert experiment is not None
    assert {one.key: (one.before, one.after) for one in experiment.changes} == {
        "optimizer.embedding_lr": ("0.25", "0.22"), "optimizer.matrix_lr": ("0.018", "0.016"),
        "optimizer.unembedding_lr": ("0.0035", "0.003"), "schedule.warmup_steps": ("40", "200"), "steps": ("5000", "20000")}


def test_a_parent_is_bound_by_its_identity() -> None:
    one, other = shipped("d8_v2").experiment, shipped("d8_depth").experiment
    assert one is not None and other is not None and one.training.resume is not None
    assert one.training.resume.parent_training_sha256 == training_sha256(other.training)


def test_titles_do_not_change_identity_but_rates_do() -> None:
    plain = shipped("d8_depth").experiment
    titled = shipped("d8_depth", None, "title=Another").experiment
    faster = shipped("d8_depth", None, "optimizer.matrix_lr=0.02").experiment
    assert plain is not None and titled is not None and faster is not None
    assert training_sha256(plain.training) == training_sha256(titled.training) != training_sha256(faster.training)


@pytest.mark.parametrize(("law", "multiplier"), [("continue", 1.0), ("restart", 1 / 100), ("rewarm", None)])
def test_the_rate_at_the_resume_step(law: str, multiplier: float | None, tmp_path: Path) -> None:
    compiled = child(tmp_path, steps=2000, schedule={"warmup_steps": 100},
                     resume={"from": "parent.yaml", "step": 1000, "schedule": law})
    assert compiled.experiment is not None, compiled.diagnostics
    row = compiled.experiment.boundary[0]
    expected = row.before + (1 - row.before) / 100 if multiplier is None else multiplier  # type: ignore[operator]
    assert row.after == pytest.approx(expected)


def test_warmdown_of_what_remains(tmp_path: Path) -> None:
    resume = {"from": "parent.yaml", "step": 1000, "schedule": "rewarm"}
    total = child(tmp_path, steps=2000, resume=resume).experiment
    remaining = child(tmp_path, steps=2000, resume=resume, schedule={"warmdown_of": "remaining"}).experiment
    assert total is not None and remaining is not None
    assert (total.schedule.warmdown_steps, remaining.schedule.warmdown_steps) == (500, 250)


def test_whole_numbers_may_be_written_as_floats(tmp_path: Path) -> None:
    written = child(tmp_path, steps=1e3, seed=42.0, model={"depth": 8.0}).experiment
    plain = child(tmp_path).experiment
    assert written is not None and plain is not None
    assert training_sha256(written.training) == training_sha256(plain.training)


def test_errors_of_a_parent_are_shown_with_its_own_places(tmp_path: Path) -> None:
    found = child(tmp_path, steps=2000, resume={"from": "broken.yaml", "step": 1000}).diagnostics
    assert {one.code: one.span.file.display for one in found if one.span} == {
        "E301": "specs/broken.yaml", "E222": "specs/child.yaml"}


def test_bounds_take_the_unit_of_their_metric(tmp_path: Path) -> None:
    expect = [{"metric": "eval.composite", "at_least": "40%"}, {"metric": "peak_memory", "below": "6GB"},
              {"metric": "train_time", "between": ["1.5h", "2h"]}, {"metric": "valid_loss", "above": 0.5}]
    experiment = child(tmp_path, expect=expect).experiment
    assert experiment is not None
    assert [(one.lower, one.upper) for one in experiment.expectations] == [
        (0.4, None), (None, 6e9), (5400.0, 7200.0), (0.5, None)]
    assert [(one.strict_lower, one.strict_upper) for one in experiment.expectations] == [
        (False, False), (False, True), (False, False), (True, False)]


def test_every_quantity_that_cannot_be_read_is_said_at_its_place(tmp_path: Path) -> None:
    found = child(tmp_path, steps="1.5", checkpoint={"every": "9999999M"}, data={"pieces": "2.0001k"},
                  eval={"suites": {"notes": {"weight": "400%"}}}).diagnostics
    said = {one.message.split(" ")[0].strip("'") for one in found if one.code == "E110"}
    assert said == {"1.5", "9999999M", "2.0001k", "400%"}
    assert all(one.span is not None and one.span.file.display == "specs/child.yaml" for one in found)


@pytest.mark.parametrize(("policy", "kept"), [
    ({"every": 300, "keep_last": 1}, [1000]), ({"every": 300, "keep_last": 2}, [900, 1000]),
    ({"every": 300, "keep_last": 1, "keep_every": 600}, [600, 1000]), ({"every": 1000, "keep_last": 3}, [1000]),
    ({"every": 1, "keep_last": 2}, [999, 1000])])
def test_which_checkpoints_are_left(policy: dict[str, int], kept: list[int], tmp_path: Path) -> None:
    experiment = child(tmp_path, checkpoint=policy).experiment
    assert experiment is not None
    assert newest_kept(experiment, 8) == kept
    assert [step for step in range(1, 1001) if is_kept(experiment, step)] == kept


def test_a_run_of_any_length_is_answered_at_once(tmp_path: Path) -> None:
    assert child(tmp_path, steps="900B", checkpoint={"every": 1, "keep_every": 7}).experiment is not None


@pytest.mark.parametrize("overlay", [
    {"steps": "0"}, {"checkpoint": {"every": "0k"}}, {"eval": {"validation": {"every": "1.5"}}}, {"steps": "9" * 330},
    {"batch": {"total_tokens": "0.5"}}, {"steps": 1e300}, {"data": {"pieces": "0"}}])
def test_counts_that_are_none_are_said(overlay: dict[str, object], tmp_path: Path) -> None:
    assert [one.code for one in child(tmp_path, **overlay).diagnostics] in (["E106"], ["E110"])


@pytest.mark.parametrize("path", ["a\0b.yaml", "x" * 5000 + ".yaml"])
def test_references_that_no_file_can_have_are_missing(path: str, tmp_path: Path) -> None:
    found = child(tmp_path, steps=2000, resume={"from": path, "step": 1000}).diagnostics
    assert found and all(one.code.startswith("E") for one in found)


def test_a_parents_tokens_are_counted_at_the_parents_batch(tmp_path: Path) -> None:
    experiment = child(tmp_path, steps=2000, batch={"rows": 8, "total_tokens": 8192},
                       resume={"from": "parent.yaml", "step": 1000}).experiment
    assert experiment is not None
    figures = {one.name: one.value for one in experiment.predictions.figures}
    assert figures["tokens_in_all"] == 1000 * 4096 + 1000 * 8192
