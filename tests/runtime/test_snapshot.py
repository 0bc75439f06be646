"""A snapshot that is not what it says it is does not run, and the message says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from expc.runtime.errors import MISUSED, UserError
from expc.runtime.snapshot import keep_copy, load
from expc.runtime.workspace import checkpoint_folder, find_workspace
from tests.runtime import toy_family

EXPERIMENT = toy_family.experiment(toy_family.training())


def test_a_good_one(toy: Path) -> None:
    path = toy_family.write(toy, EXPERIMENT)
    loaded = load(path)
    assert loaded.experiment == EXPERIMENT and loaded.workspace == toy.resolve() and len(loaded.sha256) == 64
    assert load(path.parent) == loaded
    keep_copy(loaded)
    assert load(toy / "runs" / "toy") == loaded


@pytest.mark.parametrize(("old", "new", "why"), [
    ('"steps": 40', '"steps": 41', "it was edited or cut short; run `expc build` again"),
    ('"expc.snapshot/1"', '"expc.snapshot/9"', "its format is 'expc.snapshot/9', this expc reads 'expc.snapshot/1'"),
    ("{", "", "this is no JSON"),
])
def test_bad_ones(toy: Path, old: str, new: str, why: str) -> None:
    path = toy_family.write(toy, EXPERIMENT)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load(path)
    assert why in str(error.value) and str(path) in str(error.value) and error.value.exit_code == MISUSED


def test_missing_and_binary(toy: Path) -> None:
    with pytest.raises(UserError, match="No such file.*`expc build` writes snapshots"):
        load(toy / "nothing.json")
    (toy / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is no text"):
        load(toy / "binary")


def test_the_workspace_is_the_nearest_folder_with_specs(toy: Path) -> None:
    (toy / "generated" / "a").mkdir(parents=True)
    assert find_workspace(toy / "generated" / "a") == toy.resolve()
    assert checkpoint_folder(toy, "d8", 500) == toy / "runs" / "d8" / "checkpoints" / "step_000500"
    with pytest.raises(UserError, match="holds specs/"):
        find_workspace(Path("/"))
