"""Whether the disk holds what foreign programs still save: by the checkpoint that is there, or as the family computes it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from expc.runtime.errors import DONE
from expc.runtime.families.nanochat.room import checkpoint_bytes, checkpoints_left
from expc.runtime.supervise.room import problems
from tests.nanochat.workspaces import first, second
from tests.runtime.supervise.programs import make


def free(monkeypatch: pytest.MonkeyPatch, bytes_: int) -> None:
    """A disk with so much room."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=bytes_))


def test_a_program_whose_checkpoints_nobody_knows_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 0)
    made = make(tmp_path)
    assert list(problems(made.experiment, tmp_path)) == []


def test_one_more_like_the_one_that_is_there_has_to_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path)
    assert made.run()[0] == DONE
    needed = (made.folder / "own files" / "step_40.json").stat().st_size
    child = make(tmp_path, name="longer", steps=60, resume={"from": "program.yaml", "step": 40})
    for experiment in (made.experiment, child.experiment):
        free(monkeypatch, needed)
        assert list(problems(experiment, tmp_path)) == []
        free(monkeypatch, needed - 1)
        (said,) = problems(experiment, tmp_path)
        assert "has still to save one more checkpoint" in said and "make room" in said


def test_nanochat_keeps_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = first(tmp_path)
    each = checkpoint_bytes(made.experiment)
    assert each == 8 * sum(made.experiment.predictions.parameters.values()) + 4 * sum(
        count for name, count in made.experiment.predictions.parameters.items()
        if name in ("token_embedding", "value_embeddings", "head", "scalars"))
    assert [checkpoints_left(made.experiment, step) for step in (None, 10, 20)] == [2, 1, 0]
    assert checkpoints_left(second(made).experiment, None) == 3  # its two, and the parent's
    free(monkeypatch, 2 * each)
    assert list(problems(made.experiment, tmp_path)) == []
    free(monkeypatch, 2 * each - 1)
    (said,) = problems(made.experiment, tmp_path)
    assert "has still to save 2 checkpoints of" in said
