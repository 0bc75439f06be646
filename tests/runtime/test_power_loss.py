"""Whatever a power loss leaves of a run's files, the run goes on from it as if nothing had happened."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from expc.compiler.contract import files as whole_files
from expc.compiler.contract.experiment import Experiment
from expc.runtime import files
from tests.runtime import power, toy_family
from tests.runtime.test_interruptions import STEPS

LOSSES = 20


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of an undisturbed run, and how many instants it has at which the power can go."""
    workspace = tmp_path_factory.mktemp("whole")
    (workspace / "specs").mkdir()
    with toy_family.registered():
        calls = power.calls(workspace, quick())
    return workspace / "runs" / "toy", calls


def quick() -> Experiment:
    """Two phases, several checkpoints and validations, no waiting."""
    return toy_family.experiment(toy_family.phased(toy_family.training(STEPS), 33))


@pytest.mark.parametrize("number", range(LOSSES))
def test_a_power_loss_at_any_instant_leaves_nothing_that_shows(toy: Path, whole: tuple[Path, int], number: int) -> None:
    folder, calls = whole
    at = calls * number // LOSSES + random.Random(number).randint(1, calls // LOSSES)
    assert power.lose(toy, toy / "after", quick(), folder, random.Random(number), at) == []


def left(root: Path, chance: float, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> dict[str, str]:
    """Names and texts that a disk holds when the power goes at the first folder that is made after `act`."""
    monkeypatch.setattr(power, "CHANCES", (chance,))
    image = root.parent / f"image {len(os.listdir(root.parent))}"
    disk = power.Disk(root, image, None, random.Random(0))
    with pytest.raises(power.PowerLoss), disk:
        act()
        disk.fails_at = disk.calls + 1
        os.mkdir(root / "never there")
    return {path.name: path.read_text() for path in image.iterdir()}


def test_the_disk_forgets_what_was_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "old").write_text("old")

    def act() -> None:
        (root / "new").write_text("new")
        (root / "old").write_text("changed")
        os.rename(root / "old", root / "renamed")

    assert left(root, 0.0, monkeypatch, act) == {"old": "old"}
    (root / "renamed").rename(root / "old")
    assert left(root, 1.0, monkeypatch, act) == {"new": "new", "renamed": "changed"}


def test_a_file_written_whole_is_whole_and_one_that_is_not_synced_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                         ) -> None:
    root = tmp_path / "root"
    root.mkdir()
    files.write_atomic(root / "file", "before")
    assert left(root, 0.0, monkeypatch, lambda: files.write_atomic(root / "file", "after")) == {"file": "after"}
    monkeypatch.setattr(whole_files, "sync", lambda path: None)
    assert left(root, 0.0, monkeypatch, lambda: files.write_atomic(root / "file", "later")) == {"file": "after"}
