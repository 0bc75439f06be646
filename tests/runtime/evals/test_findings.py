"""A family's own evaluation, from the checkpoint to the verdict and the report; a toy family stands for the real ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.metrics import Metric
from expc.compiler.contract.promises import Evaluation, Expectation
from expc.runtime import report
from expc.runtime.evals import evaluate
from expc.runtime.families import Exhibit, Findings
from expc.runtime.record import Record
from expc.runtime.train import train
from expc.runtime.verdicts import verdicts
from tests.runtime import toy_family

MEASURES = (Metric("distance", "number", "lower"), Metric("clarity", "dB", "higher"), Metric("unheard", "number", "lower"))


def findings(training: Any, data: Path, checkpoint: Path, device: Any, folder: Path, say: Any) -> Findings:
    (folder / "sound").mkdir()
    (folder / "sound" / "first.wav").write_bytes(b"RIFF")
    (folder / "seen.png").write_bytes(b"PNG")
    return Findings({"distance": 0.25, "clarity": 12.5}, {"untrained": {"distance": 4.0, "clarity": -3.0}}, (
        Exhibit("seen.png", "figure", {"zh": "所见", "en": "What is *seen*"}),
        Exhibit("sound/first.wav", "audio", {"zh": "所闻", "en": "What is heard"})))


@pytest.fixture
def made(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """A toy experiment of two promises, trained and evaluated in the workspace `toy`."""
    monkeypatch.setattr(toy_family, "evaluate", findings, raising=False)
    promises = (Expectation("distance", "number", None, 0.5, False, False, {}),
                Expectation("clarity", "dB", 20.0, None, False, False, {}),
                Expectation("unheard", "number", None, 1.0, False, False, {}))
    base = toy_family.experiment(toy_family.training(20), evaluation=Evaluation((), (), "results.json", MEASURES))
    made = dataclasses.replace(base, expectations=promises)
    toy_family.write(toy, made)
    train(made, toy, Record(toy / "runs" / made.run, made, "0" * 64))
    evaluate(made, toy, lambda line: None)
    return made


def test_what_a_killed_evaluation_left_is_gone_after_the_next(toy: Path, made: Experiment) -> None:
    folder = toy / "runs" / "toy" / "evaluation"
    (folder / "step_000020.json").unlink()
    (folder / ".step_000020.killed").mkdir()
    (folder / ".step_000040.other").mkdir()
    evaluate(made, toy, lambda line: None)
    assert sorted(path.name for path in folder.iterdir()) == [".step_000040.other", "step_000020", "step_000020.json"]


def test_verdicts_go_by_what_was_found_and_nothing_unmeasured_is_zero(toy: Path, made: Experiment) -> None:
    assert [(one.outcome, one.measured) for one in verdicts(made, toy)] == [
        ("met", 0.25), ("missed", 12.5), ("not_measured", None)]


def test_a_checkpoint_that_changes_leaves_no_verdict(toy: Path, made: Experiment) -> None:
    (toy / "runs" / "toy" / "checkpoints" / "step_000020" / "manifest.json").write_text("{}", encoding="utf-8")
    assert verdicts(made, toy)[0].outcome == "not_valid"


def test_the_report_sets_each_figure_beside_its_rival_and_links_what_is_to_be_seen(toy: Path, made: Experiment) -> None:
    (path,) = report.write(made, toy, lambda line: None)
    text = path.read_text(encoding="utf-8")
    assert "| `distance` | lower | 0.25 | 4 |" in text and "| `unheard` | lower | – | – |" in text
    assert "![What is \\*seen\\*](evaluation/step_000020/seen.png)" in text
    assert "[first.wav](evaluation/step_000020/sound/first.wav)" in text
    (copy, *others) = report.publish(made, toy, [path])
    assert {one.name for one in others} >= {"seen.png", "first.wav"} and all(one.is_file() for one in (copy, *others))


def test_an_evaluation_that_fails_leaves_no_exhibits(toy: Path, made: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Findings:
        findings(*arguments)
        raise KeyError("half-way")

    folder = toy / "runs" / "toy" / "evaluation"
    monkeypatch.setattr(toy_family, "evaluate", fails, raising=False)
    (folder / "step_000020.json").unlink()
    with pytest.raises(KeyError):
        evaluate(made, toy, lambda line: None)
    assert sorted(one.name for one in folder.iterdir()) == ["step_000020"]
