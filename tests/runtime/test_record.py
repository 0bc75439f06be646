"""The record: whole at every moment, shared by processes, and never another training's."""

from __future__ import annotations

from pathlib import Path

import git
import pytest

from expc.compiler.contract.experiment import Experiment
from expc.runtime.errors import INTERRUPTED, UserError
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from expc.runtime.lock import exclusive
from expc.runtime.record import Record, environment, git_state
from tests.runtime import toy_family

EXPERIMENT = toy_family.experiment(toy_family.training())


def test_identity_and_values(tmp_path: Path) -> None:
    Record(tmp_path, EXPERIMENT, "s" * 64).update(outcome="running", step=3)
    body = read_json(tmp_path / "record.json")
    assert (body["format"], body["run"], body["outcome"], body["step"]) == ("expc.run/1", "toy", "running", 3)


def test_two_processes_do_not_undo_each_other(tmp_path: Path) -> None:
    training, evaluating = (Record(tmp_path, EXPERIMENT, "s" * 64) for _ in range(2))
    training.update(outcome="done", step=40)
    with evaluating.stage("evaluate"):
        pass
    body = read_json(tmp_path / "record.json")
    assert (body["outcome"], body["step"], body["stages"]["evaluate"]["outcome"]) == ("done", 40, "done")


@pytest.mark.parametrize(("error", "outcome"), [
    (UserError("x"), "failed"), (UserError("x", INTERRUPTED), "interrupted"), (KeyboardInterrupt(), "interrupted"),
    (ValueError("x"), "failed")])
def test_a_stage_says_how_it_ended(tmp_path: Path, error: BaseException, outcome: str) -> None:
    with pytest.raises(type(error)), Record(tmp_path, EXPERIMENT, "s" * 64).stage("train"):
        raise error
    stage = read_json(tmp_path / "record.json")["stages"]["train"]
    assert stage["outcome"] == outcome and stage["seconds"] >= 0


def test_a_torn_record_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"format": "expc.r')
    assert Record(tmp_path, EXPERIMENT, "s" * 64).body["attempts"] == []


def test_the_machine_is_described() -> None:
    facts = environment("cpu")
    assert facts["gpu"] is None and facts["threads"] >= 1 and facts["cores"] >= 1 and facts["torch"][0].isdigit()


def test_git_state(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None
    repository = git.Repo.init(tmp_path)
    assert git_state(tmp_path) is None  # no commit yet
    (tmp_path / "file").write_text("one")
    repository.index.add(["file"])
    repository.index.commit("one")
    assert git_state(tmp_path) == {"commit": repository.head.commit.hexsha, "dirty": False}
    (tmp_path / "file").write_text("two")
    assert git_state(tmp_path) == {"commit": repository.head.commit.hexsha, "dirty": True}


def other(seed: int = 12) -> Experiment:
    """The same run of another training."""
    return toy_family.experiment(toy_family.training(seed=seed))


def test_another_training_begins_a_record_of_its_own(tmp_path: Path) -> None:
    """Nothing that was measured of the old one is said of the new one; all of it is kept."""
    Record(tmp_path, EXPERIMENT, "s" * 64).update(outcome="stopped", step=3, peak_memory=615, attempts=[{"to_step": 3}],
                                                  guards=[{"guard": "old"}])
    (tmp_path / "metrics.jsonl").write_text('{"step": 3, "kind": "train", "loss": 1.0}\n')
    mine = Record(tmp_path, other(), "t" * 64)
    mine.make_way()
    mine.update(outcome="running")
    body = read_json(tmp_path / "record.json")
    assert body["attempts"] == [] and body["step"] == 0 and "peak_memory" not in body and "guards" not in body
    assert not (tmp_path / "metrics.jsonl").exists()
    (event,) = read_lines(tmp_path / "events.jsonl")
    assert (event["event"], event["outcome"], event["step"]) == ("replaced", "stopped", 3)
    assert read_json(tmp_path / event["kept"] / "record.json")["peak_memory"] == 615
    assert (tmp_path / event["kept"] / "metrics.jsonl").is_file()


def test_the_same_training_makes_no_way(tmp_path: Path) -> None:
    record = Record(tmp_path, EXPERIMENT, "s" * 64)
    record.update(outcome="interrupted", step=3)
    again = Record(tmp_path, EXPERIMENT, "t" * 64)
    again.make_way()
    assert again.body["step"] == 3 and not (tmp_path / "events.jsonl").exists()


def test_a_training_that_goes_on_is_not_replaced(tmp_path: Path) -> None:
    Record(tmp_path, EXPERIMENT, "s" * 64).update(outcome="running")
    with exclusive(tmp_path / "lock", "the run toy"), pytest.raises(UserError, match="another training"):
        Record(tmp_path, other(), "t" * 64)
