"""Workspaces that are moved or copied in the middle of a foreign run: it goes on from its own checkpoints, where they are."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from expc.runtime.errors import DONE, FAILED, MISSING
from expc.runtime.files import read_json
from tests.runtime.supervise.programs import EVAL, SCRIPT, Made, make

DIES = {"at": 25, "then": "sys.exit(9) if not args.resume else 0"}


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A run whose program has died at step 25, with checkpoints of 10 and 20."""
    made = make(tmp_path / "here", flags=DIES, eval=EVAL)
    assert made.run()[0] == FAILED
    return made


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_it_goes_on_from_where_its_checkpoints_are_now(made: Made, tmp_path: Path, how: object) -> None:
    there = tmp_path / "elsewhere 中文"
    how(made.workspace, there)  # type: ignore[operator]
    if made.workspace.exists():
        (made.folder / "own files" / "step_20.json").write_text("not this one")
    moved = dataclasses.replace(made, workspace=there)
    seconds = read_json(moved.folder / "checkpoints" / "step_000020" / "state.json")["position"]["seconds"]
    code, log = moved.run("train", "evaluate")
    assert code == DONE and "going on from step_20.json" in log, log
    assert str(there / "runs" / "program" / "own files" / "step_20.json") in moved.record["attempts"][-1]["program"]["words"]
    assert moved.steps() == list(range(1, 41)) and "accuracy: 40.0%" in log
    assert read_json(moved.folder / "checkpoints" / "step_000020" / "state.json")["position"]["seconds"] == seconds


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    made = make(tmp_path / "{step} [1]* {x}")
    assert made.run()[0] == DONE
    assert sorted(path.name for path in made.folder.glob("checkpoints/*")) == [f"step_0000{n}0" for n in (1, 2, 3, 4)]


def test_a_copy_that_kept_no_times_goes_on_too(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.workspace, tmp_path / "copy", copy_function=shutil.copyfile)
    code, log = dataclasses.replace(made, workspace=tmp_path / "copy").run()
    assert code == DONE and "going on from step_20.json" in log, log


def test_a_parents_checkpoint_that_is_gone_is_missing(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert made.run()[0] == DONE
    child = make(tmp_path, SCRIPT, name="child", steps=60, resume={"from": "program.yaml", "step": 40})
    (made.folder / "own files" / "step_40.json").unlink()
    for stage in ("preflight", "train"):
        code, log = child.run(stage)
        assert code == MISSING and "step_40.json, the program's checkpoint of step 40, is not there any more" in log


@pytest.mark.parametrize("text, why", [("", "step_40.json is empty"), ("{}", "bytes when it was noted, and is of 2 now")])
def test_a_checkpoint_that_is_another_by_now_is_neither_a_start_nor_judged(tmp_path: Path, text: str, why: str) -> None:
    made = make(tmp_path, eval=EVAL)
    assert made.run()[0] == DONE
    child = make(tmp_path, SCRIPT, name="child", steps=60, resume={"from": "program.yaml", "step": 40})
    (made.folder / "own files" / "step_40.json").write_text(text)
    for run, stage in ((child, "preflight"), (child, "train"), (made, "evaluate")):
        code, log = run.run(stage)
        assert code == MISSING and why in log and "step_40.json is not what program had saved" in log, log
