"""What differs between two experiments, in the words of a spec."""

from __future__ import annotations

from typing import Any

import pytest

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.snapshot import training_sha256
from expc.compiler.differences import leaves
from expc.compiler.frontend.keys import is_known, path_of
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.pipeline import Session
from expc.compiler.plan.changes import Row, changes
from expc.compiler.plan.values import pair
from expc.compiler.plan.words import entries
from expc.compiler.spec_schema import complete
from tests.compiler.commands.shell import ROOT
from tests.compiler.plan.conftest import Edited


def keys(rows: tuple[Row, ...], derived: bool = False) -> list[str]:
    return [row.key for row in rows if row.derived is derived]


def overridden(*words: str) -> Experiment:
    made = Session(ROOT).compile(ROOT / "specs" / "d8_v2.yaml", words).experiment
    assert made is not None
    return made


@pytest.mark.parametrize("word, key, effect", [
    ("optimizer.matrix_lr=0.032", "optimizer.matrix_lr", "identity"),
    ("optimizer.embedding_lr=0.3", "optimizer.embedding_lr", "identity"),
    ("optimizer.beta1=0.9", "optimizer.beta1", "identity"),
    ("optimizer.weight_decay=0", "optimizer.weight_decay", "identity"),
    ("optimizer.gradient_clip=1", "optimizer.gradient_clip", "identity"),
    ("schedule.final_fraction=7%", "schedule.final_fraction", "identity"),
    ("resume.optimizer=reset", "resume.optimizer", "identity"),
    ("seed=7", "seed", "identity"),
    ("checkpoint.keep_last=9", "checkpoint.keep_last", "launch"),
    ("hardware.memory_budget=7GB", "hardware.memory_budget", "launch"),
    ("eval.validation.batches=8", "eval.validation.batches", "judgement"),
    ("expect.1.at_most=5GB", "expect[peak_memory].at_most", "judgement"),
    ("claims.parameters=19M", "claims.parameters", "judgement"),
    ("claims.machines.0.train_time=[1h, 2h]", "claims.machines[rtx_4060].train_time", "judgement"),
    ("claims.losses.0.value=0.7", "claims.losses[parent].value", "judgement"),
    ("notes.1.text=x", "notes[resume.schedule].text", "text"),
    ("title=x", "title", "text"),
    ("report.language=[en]", "report.language", "text"),
])  # fmt: skip
def test_one_key_of_a_spec_is_one_row(experiment: Experiment, word: str, key: str, effect: str) -> None:
    rows = [row for row in changes(experiment, overridden(word)) if not row.derived]
    said = [row for row in rows if row.after is not None or not row.key.startswith("notes[")]  # a note goes with its value
    assert {row.key.removesuffix(".zh").removesuffix(".en") for row in said} == {key}
    assert {row.effect for row in said} == {effect}


def test_a_law_that_gives_the_same_curve_is_no_new_identity() -> None:
    before, after = (Session(ROOT).compile(ROOT / "specs" / "d8_depth.yaml", words).experiment
                     for words in ((), ("schedule.warmdown_of=remaining",)))
    assert before is not None and after is not None
    assert training_sha256(before.training) == training_sha256(after.training)
    assert [(row.key, row.effect) for row in changes(before, after)] == [("schedule.warmdown_of", "text")]


def test_a_bound_that_becomes_strict_is_another_key(experiment: Experiment, edited: Edited) -> None:
    rows = changes(experiment, edited({"expectations.0.strict_upper": False}))
    assert [(row.key, row.before, row.after) for row in rows] == [
        ("expect[valid_loss].at_most", None, 0.5), ("expect[valid_loss].below", 0.5, None)]


def test_items_are_matched_by_name_and_their_order_told(experiment: Experiment, edited: Edited) -> None:
    suites = to_plain(experiment.evaluation.suites)
    moved = changes(experiment, edited({"evaluation.suites": suites[::-1]}))
    assert keys(moved) == ["eval.suites.(order)"]
    fewer = changes(experiment, edited({"evaluation.suites": suites[1:]}))
    assert {row.new for row in fewer} == {"eval.suites.structure"}
    twice = changes(experiment, edited({"expectations": to_plain((*experiment.expectations, experiment.expectations[0]))}))
    assert {row.new for row in twice} == {"expect[valid_loss#2]"}


def test_groups_that_change_in_different_ways_are_told_apart(experiment: Experiment, edited: Edited) -> None:
    rows = changes(experiment, edited({"training.groups.0.options.beta1": 0.7, "training.groups.1.options.beta1": 0.6}))
    assert keys(rows, derived=True) == ["groups[embedding].options.beta1", "groups[value_embeddings].options.beta1"]


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * (1 + 1e-12) + 1e-9 if isinstance(value, float) else value + 1
    return {"continue": "restart", "rewarm": "restart", "keep": "reset", "total": "remaining", "bf16": "fp32", "muon": "sgd",
            "adamw": "sgd", "stop": "warn", "constant": "linear", "linear": "cosine", "synthetic": "folder",
            "nats": "bits", "bits": "nats", "number": "bits", "lower": "higher"}.get(value, "cited")


def test_no_change_of_a_snapshot_goes_unsaid(experiment: Experiment, edited: Edited) -> None:
    """Every value of a snapshot, changed alone, is a row; and it touches identity where the training hash says so."""
    assert changes(experiment, experiment) == ()
    was, identity = dict(leaves(to_plain(experiment))), training_sha256(experiment.training)
    wrong = []
    for key, before in was.items():
        without_bound = ".strict_" in key and was[key.replace("strict_", "")] is None
        is_implied = key.startswith("claims.") and key.endswith((".key", ".figure.quantity"))  # by place, by metric
        if before is None or before in ([], {}) or key == "training.family" or without_bound or is_implied:
            continue
        changed = edited({key: another(before)})
        rows = changes(experiment, changed)
        is_new = training_sha256(changed.training) != identity
        if not rows or any(row.effect == "identity" for row in rows) is not is_new:
            wrong.append(key)
        wrong += [row.key for row in rows if pair(row)[0] == pair(row)[1]]
    assert wrong == []


PHASES = "phases=[{name: first, to: 6k, batch: {rows: 2, accumulation: 2, workers: 1}}, {name: second, rates: {matrix: 50%}}]"


def test_a_phase_says_what_differs_from_the_rest(experiment: Experiment) -> None:
    phased = overridden(PHASES)
    rows = [row for row in changes(experiment, phased) if not row.derived]
    assert {row.new for row in rows} == {"phases[first]", "phases[second]"}
    assert {row.effect for row in rows if row.key.endswith("workers")} == {"launch"}
    assert {row.key: row.after for row in rows} == {
        "phases[first].from": 5000, "phases[first].to": 6000, "phases[first].batch.rows": 2,
        "phases[first].batch.accumulation": 2, "phases[first].batch.workers": 1,
        "phases[second].from": 6000, "phases[second].to": 20000, "phases[second].rates.matrix": 0.5,
        "phases[second].batch.workers": 0}
    longer = changes(phased, overridden(PHASES.replace("6k", "7k")))
    assert [(row.key, row.before, row.after) for row in longer if not row.derived] == [
        ("phases[first].to", 6000, 7000), ("phases[second].from", 6000, 7000)]
    workers = changes(experiment, overridden("batch.workers=3"))
    assert [(row.key, row.effect) for row in workers if not row.derived] == [("batch.workers", "launch")]


GUARDS = "guards=[{name: wild, when: loss > 9, then: {roll_back: {rate: 50%, times: 2}}}]"
MILESTONES = "milestones=[{metric: valid_loss, below: 2, by: 6000}, {metric: valid_loss, below: 1, at: 10000}]"


def test_guards_and_milestones_are_told_by_name(experiment: Experiment) -> None:
    watched = overridden(GUARDS, MILESTONES)
    rows = [row for row in changes(experiment, watched) if not row.derived]
    assert {row.effect for row in rows} == {"judgement"}
    assert {row.new for row in rows} == {"guards[wild]", "milestones[valid_loss]", "milestones[valid_loss#2]"}
    after = {row.key: row.after for row in rows}
    assert (after["guards[wild].then.roll_back.rate"], after["guards[wild].then.roll_back.times"]) == (0.5, 2)
    assert (after["milestones[valid_loss].by"], after["milestones[valid_loss#2].at"]) == (6000, 10000)
    stricter = changes(watched, overridden(GUARDS.replace("> 9", "> 8"), MILESTONES.replace("below: 1", "below: 0.9")))
    assert [row.key for row in stricter if not row.derived] == ["guards[wild].when", "milestones[valid_loss#2].below"]


@pytest.mark.parametrize("words", [(), (PHASES,), (GUARDS, MILESTONES)])
def test_every_key_is_one_that_explain_takes(words: tuple[str, ...]) -> None:
    compiled = Session(ROOT).compile(ROOT / "specs" / "d8_v2.yaml", words)
    experiment = compiled.experiment
    assert compiled.resolved is not None and experiment is not None
    shapes, unknown = Shapes(complete()), []
    for entry in entries(experiment).values():
        if entry.derived or entry.key.startswith("groups") or entry.key.endswith("(order)"):
            continue
        path = path_of(entry.key, compiled.resolved.tree)
        if compiled.resolved.node(path) is None and not is_known(shapes, compiled.resolved, path):
            unknown.append(entry.key)
    assert unknown == []
