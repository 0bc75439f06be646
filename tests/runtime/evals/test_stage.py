"""The evaluate stage on a trained toy run: what is written, used again, done anew, and refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Evaluation, Suite
from expc.runtime.errors import MISSING, UserError
from expc.runtime.evals import evaluate, evaluation_sha256, result_path
from expc.runtime.snapshot import load
from expc.runtime.stages import run
from tests.runtime import toy_family

STEPS = 20


class Fixed:
    """Completes every prompt with the same words and counts how often it is asked."""

    calls = 0

    def generate(self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int,
                 progress: Callable[[int, int], None]) -> list[str]:
        Fixed.calls += 1
        return ["8 3.2 5.2 |" for _ in prompts]


def suites(**changes: Any) -> tuple[Suite, ...]:
    one = Suite("tab", {"any": "Tab"}, 0.4, ("24.1.", "| 3.2."), ("has_fret_numbers", "has_rhythm_dot"), 2, 8, 0.8, 1)
    return (dataclasses.replace(one, **changes), dataclasses.replace(one, name="note", weight=0.6))


def experiment(**changes: Any) -> Experiment:
    evaluation = Evaluation(suites(**changes), (), "results.json")
    return toy_family.experiment(toy_family.training(STEPS), evaluation=evaluation)


@pytest.fixture
def workspace(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the toy run trained to its end."""
    monkeypatch.setattr(toy_family, "generator", lambda *arguments: Fixed(), raising=False)
    monkeypatch.setattr(Fixed, "calls", 0)
    run(load(toy_family.write(toy, experiment())), ("prepare", "train"))
    return toy


def evaluated(workspace: Path, made: Experiment, step: int | None = None) -> dict[str, Any]:
    return json.loads(evaluate(made, workspace, lambda line: None, step).read_text())  # type: ignore[no-any-return]


def test_it_writes_what_it_found_and_from_what(workspace: Path) -> None:
    found = evaluated(workspace, experiment())
    assert result_path(workspace, "toy", STEPS) == workspace / "runs" / "toy" / "evaluation" / "step_000020.json"
    assert (found["format"], found["run"], found["step"]) == ("expc.evaluation/1", "toy", STEPS)
    assert found["composite"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert found["position"]["samples"] == STEPS * 4
    assert len(found["suites"]["tab"]["samples"]) == 4
    assert Fixed.calls == 2


def test_a_result_is_used_again_until_something_that_it_rests_on_changes(workspace: Path) -> None:
    evaluated(workspace, experiment())
    said: list[str] = []
    evaluate(experiment(title={"any": "Another title"}), workspace, said.append)
    assert Fixed.calls == 2 and "evaluated already" in said[-1]
    evaluated(workspace, experiment(seed=2))
    assert Fixed.calls == 4
    path = result_path(workspace, "toy", STEPS)
    for key in ("checkpoint_sha256", "training_sha256"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: "0" * 64}))
        calls = Fixed.calls
        evaluated(workspace, experiment(seed=2))
        assert Fixed.calls == calls + 2


def test_an_earlier_step_is_evaluated_on_request_only(workspace: Path) -> None:
    assert evaluated(workspace, experiment(), 10)["step"] == 10
    assert not result_path(workspace, "toy", STEPS).exists()


def refused(workspace: Path, made: Experiment, step: int | None = None) -> str:
    with pytest.raises(UserError) as caught:
        evaluate(made, workspace, lambda line: None, step)
    assert caught.value.exit_code == MISSING
    assert "bash generated/train_toy.sh" in str(caught.value)
    return str(caught.value)


def test_a_run_that_has_not_got_there_is_told_to_go_on(workspace: Path) -> None:
    assert "no checkpoint at step 15" in refused(workspace, experiment(), 15)
    folder = workspace / "runs" / "toy" / "checkpoints" / "step_000020"
    (folder / "manifest.json").unlink()
    assert "cannot be used" in refused(workspace, experiment())
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert "toy stands at step 10 of 20" in refused(workspace, experiment())


def test_another_trainings_checkpoint_is_refused(workspace: Path) -> None:
    other = dataclasses.replace(experiment(), training=toy_family.training(STEPS, seed=12))
    assert "another training" in refused(workspace, other)


def test_other_data_than_those_of_the_training_are_refused(workspace: Path) -> None:
    path = workspace / "runs" / "toy" / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": {"sha256": "9" * 64}}))
    assert "trained on other data" in refused(workspace, experiment())


def test_titles_do_not_make_another_evaluation_and_prompts_do() -> None:
    assert evaluation_sha256(experiment()) == evaluation_sha256(experiment(title={"zh": "谱"}))
    assert evaluation_sha256(experiment()) != evaluation_sha256(experiment(prompts=("24.1.",)))
