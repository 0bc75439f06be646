"""Whether the disk holds what foreign programs still save: by the checkpoint that is there, or as the family computes it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from expc.runtime.errors import DONE
from expc.runtime.families.nanochat.room import checkpoint_bytes, checkpoints_left
from expc.runtime.lock import exclusive
from expc.runtime.room import full, others, shares
from expc.runtime.supervise.room import notes, problems
from expc.runtime.supervise.starting import checkpoints_of
from tests.nanochat.workspaces import first, second
from tests.runtime import toy_family
from tests.runtime.supervise.programs import Made, make


def free(monkeypatch: pytest.MonkeyPatch, bytes_: int) -> None:
    """A disk with so much room."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=bytes_))


def states(made: Made, *steps: int, each: int = 1000) -> Made:
    """Checkpoints of so many bytes at some steps, noted as the supervisor does."""
    directory = made.folder / "own files"
    directory.mkdir(parents=True, exist_ok=True)
    for step in steps:
        (directory / f"step_{step}.json").write_bytes(b"x" * each)
    checkpoints_of(made.experiment, made.workspace, made.workspace / "their project", Began())  # type: ignore[arg-type]
    return made


class Began:
    """The record of a run that has begun."""

    body = {"snapshot_sha256": "0" * 64, "attempts": [{"ended": "then"}]}


def test_a_program_whose_checkpoints_nobody_knows_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 0)
    made = make(tmp_path)
    assert list(problems(made.experiment, tmp_path)) == []
    (said,) = notes(made.experiment, tmp_path)
    assert said == "how large its checkpoints are is not known before there is one; the disk has 0 B free"


def test_one_more_like_the_one_that_is_there_has_to_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path)
    assert made.run()[0] == DONE
    needed = (made.folder / "own files" / "step_40.json").stat().st_size
    child = make(tmp_path, name="longer", steps=60, resume={"from": "program.yaml", "step": 40})
    free(monkeypatch, needed)
    assert list(problems(child.experiment, tmp_path)) == []
    free(monkeypatch, needed - 1)
    (said,) = problems(child.experiment, tmp_path)
    assert "has still to save one more checkpoint" in said and "make room" in said
    assert list(problems(made.experiment, tmp_path)) == list(notes(made.experiment, tmp_path)) == []  # nothing is left to save


@pytest.mark.parametrize(("there", "room_for", "stops", "note"), [
    ((10,), 0, True, None), ((10,), 1, False, (9, 1)), ((10,), 8, False, (9, 8)), ((10,), 9, False, None),
    ((10, 20, 30), 6, False, (7, 6)), ((10, 20, 30), 7, False, None),
    ((20, 30), 1, False, None),  # it has deleted the first
    ((80, 90), 0, True, None), ((80, 90), 1, False, None), ((100,), 0, False, None), ((20, 40), 2, False, (3, 2))])
def test_what_a_program_keeps_is_read_from_what_it_has_kept(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[int, ...], room_for: int, stops: bool,
        note: tuple[int, int] | None) -> None:
    made = states(make(tmp_path, steps=100), *there)
    free(monkeypatch, room_for * 1000 + 999)
    assert bool(list(problems(made.experiment, tmp_path))) == stops
    expected = [f"the program may save {note[0]} more checkpoints of 1.00 KB each, and has deleted none so far; the disk has "
                f"room for {note[1]}"] if note else []
    assert list(notes(made.experiment, tmp_path)) == expected


def test_other_runs_that_train_now_need_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, other = states(make(tmp_path, steps=100), 10), states(make(tmp_path, name="other"), 10, each=5000)
    (other.folder / "snapshot.json").write_text((tmp_path / other.snapshot).read_text())
    free(monkeypatch, 5999)
    with exclusive(other.folder / "lock", "the run other"):
        assert others(made.experiment, tmp_path) == 5000
        (said,) = problems(made.experiment, tmp_path, others(made.experiment, tmp_path))
        assert "one more checkpoint (1.00 KB), and other runs that train now 5.00 KB" in said
        free(monkeypatch, 6000)
        assert list(problems(made.experiment, tmp_path, 5000)) == []
    assert others(made.experiment, tmp_path) == 0


def test_a_run_of_our_own_counts_a_program_that_trains(tmp_path: Path) -> None:
    other = states(make(tmp_path), 10, each=5000)
    (other.folder / "snapshot.json").write_text((tmp_path / other.snapshot).read_text())
    with toy_family.registered(), exclusive(other.folder / "lock", "the run program"):
        last = shares(toy_family.experiment(toy_family.training()), tmp_path)[-1]
    assert str(last) == "5.00 KB for program, which trains now"


def test_what_will_not_fit_is_said_with_the_first_checkpoint(tmp_path: Path) -> None:
    """A file with a hole says that it is larger than any disk, and takes none of it."""
    huge = "os.truncate(f'{args.out}/step_10.json', 2 ** 43)"
    made = make(tmp_path, flags={"at": 10, "then": f"{huge}; time.sleep(4)"}, steps=20)
    code, log = made.run()
    assert code == DONE, log
    assert log.count("warning: the disk has") == 1 and "one more checkpoint (8" in log
    assert made.events.count("disk") == 1


def test_a_full_disk_under_a_program_is_said_with_the_size_of_its_checkpoints(tmp_path: Path) -> None:
    made = states(make(tmp_path), 10)
    error = OSError(errno.ENOSPC, "No space left on device", "metrics.jsonl")
    assert "the next checkpoint needs about 1.00 KB, " in str(full(made.experiment, tmp_path, error))
    assert "the disk is full (metrics.jsonl): " in str(full(make(tmp_path, name="new").experiment, tmp_path, error))


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
