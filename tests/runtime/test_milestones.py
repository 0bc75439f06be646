"""Milestones against what was measured on the way: met, missed, ahead, unmeasured, of another training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import Milestone
from expc.compiler.contract.promises import Expectation
from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import stages
from expc.runtime.journal import Metrics, read_lines
from expc.runtime.milestones import Announcer, MilestoneVerdict, Tally, milestones
from expc.runtime.snapshot import load
from expc.runtime.verdicts import Evidence
from tests.runtime import toy_family

VALID = {10: 3.0, 20: 2.5, 30: 2.8, 40: 2.0}


def made(metric: str, upper: float, step: int, exactly: bool) -> Experiment:
    promise = Expectation(metric, "nats", None, upper, False, False, {})
    return toy_family.experiment(toy_family.training(40), milestones=(Milestone(promise, step, exactly),))


def verdict(experiment: Experiment, reached: int, training: str | None = None) -> MilestoneVerdict:
    lines = [{"kind": "valid", "step": step, "valid_loss": loss} for step, loss in VALID.items() if step <= reached]
    lines += [{"kind": "train", "step": step, "loss": 4 - step / 10} for step in range(1, reached + 1)]
    record = {"step": reached, "training_sha256": training or training_sha256(experiment.training)}
    found, = milestones(experiment, Evidence(record, lines, {}, {}, None))
    return found


@pytest.mark.parametrize(("upper", "step", "exactly", "reached", "expected"), [
    (2.6, 30, False, 40, (2.5, 20, "met")),
    (2.6, 30, True, 40, (2.8, 30, "missed")),
    (2.8, 30, True, 40, (2.8, 30, "met")),
    (2.6, 19, False, 40, (3.0, 10, "missed")),
    (2.6, 30, False, 20, (2.5, 20, "met")),
    (2.4, 30, False, 20, (2.5, 20, "pending")),
    (2.4, 30, True, 20, (None, None, "pending")),
    (2.4, 5, False, 40, (None, None, "not_measured")),
    (2.4, 30, False, 0, (None, None, "pending")),
])
def test_verdicts(upper: float, step: int, exactly: bool, reached: int, expected: tuple[object, ...]) -> None:
    found = verdict(made("valid_loss", upper, step, exactly), reached)
    assert (found.measured, found.step, found.outcome) == expected


def test_the_training_loss_is_a_mean_up_to_the_step() -> None:
    found = verdict(made("train_loss", 3.0, 20, False), 40)
    assert (found.measured, found.step, found.outcome) == (pytest.approx(4 - 1.05), 20, "met")
    assert verdict(made("train_loss", 3.0, 20, False), 19).outcome == "pending"


def test_another_training_proves_nothing() -> None:
    assert verdict(made("valid_loss", 2.6, 30, False), 40, "0" * 64).outcome == "not_valid"


def said(folder: Path) -> list[tuple[object, ...]]:
    return [(line["milestone"], line["step"], line["outcome"], line["measured_at"])
            for line in read_lines(folder / "events.jsonl") if line["event"] == "milestone"]


def test_a_milestone_is_said_when_it_falls_due_and_once(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Validations are at 7, 14, ...: one promise is met at the first of them, one of the training loss falls due between."""
    promised = (Expectation("valid_loss", "nats", None, 1e9, False, False, {}), Expectation("train_loss", "nats", None, -1e9,
                False, True, {}), Expectation("valid_loss", "nats", None, -1.0, False, False, {}))
    own = (Milestone(promised[0], 20, False), Milestone(promised[1], 10, True), Milestone(promised[2], 17, False))
    experiment = toy_family.experiment(toy_family.training(30), milestones=own)
    loaded = load(toy_family.write(toy, experiment))
    for _ in range(2):
        stages.run(loaded, ("prepare", "train"))
    assert said(toy / "runs" / "toy") == [
        ("valid_loss <= 1e+09 by step 20", 7, "met", 7), ("train_loss < -1e+09 at step 10", 10, "missed", 10),
        ("valid_loss <= -1 by step 17", 17, "missed", said(toy / "runs" / "toy")[2][3])]
    assert "milestone valid_loss <= -1 by step 17: missed (" in capsys.readouterr().err


def test_a_resumed_run_says_again_only_what_has_turned_out_otherwise(tmp_path: Path) -> None:
    experiment = made("valid_loss", 2.6, 20, False)
    metrics = tmp_path / "metrics.jsonl"
    for loss in (2.5, 2.5, 2.9):
        write_lines(metrics, loss)
        Announcer(experiment, tmp_path).announce(20)
    assert [one[2] for one in said(tmp_path)] == ["met", "missed"]


def test_what_was_taken_back_is_judged_anew(tmp_path: Path) -> None:
    experiment, metrics = made("valid_loss", 2.6, 20, False), Metrics(tmp_path / "metrics.jsonl", 0)
    announcer = Announcer(experiment, tmp_path)
    for losses in ({10: 2.5}, {20: 2.7}):
        metrics.rewind(0)
        for step, loss in losses.items():
            metrics.write(step, "valid", {"valid_loss": loss})
            metrics.flush()
            announcer.announce(step)
    assert [one[1:] for one in said(tmp_path)] == [(10, "met", 10), (20, "missed", 20)]


def test_a_long_journal_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked, every line of the journal is taken in once, and none of them is kept."""
    taken, take = [], Tally.take
    monkeypatch.setattr(Tally, "take", lambda self, line: (taken.append(line["step"]), take(self, line)))
    metrics = Metrics(tmp_path / "metrics.jsonl", 0)
    announcer = Announcer(made("train_loss", 3.0, 400, False), tmp_path)
    for step in range(1, 501):
        metrics.write(step, "train", {"loss": 2.5})
        metrics.flush()
        announcer.announce(step)
    assert taken == list(range(1, 501))
    assert said(tmp_path) == [("train_loss <= 3 by step 400", 400, "met", 400)]


def test_a_bound_that_is_excluded_is_not_met_by_itself() -> None:
    promise = Expectation("valid_loss", "nats", None, 2.5, False, True, {})
    experiment = toy_family.experiment(toy_family.training(40), milestones=(Milestone(promise, 40, False),))
    found = verdict(experiment, 40)
    assert (found.measured, found.step, found.outcome) == (2.0, 40, "met")


def test_a_program_that_says_no_loss_of_its_updates(tmp_path: Path) -> None:
    lines = [{"kind": "train", "step": 1, "accuracy": 0.5}, {"kind": "train", "step": 2, "loss": None}]
    found, = milestones(made("train_loss", 3.0, 2, True), Evidence({"step": 2}, lines, {}, {}, None))
    assert found.outcome == "not_measured"


def write_lines(metrics: Path, loss: float) -> None:
    metrics.write_text(json.dumps({"kind": "valid", "step": 20, "valid_loss": loss}) + "\n")
