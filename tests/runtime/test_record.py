"""The record: whole at every moment, shared by processes, and never another training's."""

from __future__ import annotations

from pathlib import Path

import git
import pytest

from expc.runtime.errors import INTERRUPTED, UserError
from expc.runtime.files import read_json
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
