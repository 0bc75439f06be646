"""A foreign program that a guard has ended, started again: what it saved after the firing is not gone on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from expc.runtime.errors import DONE, STOPPED_BY_GUARD
from tests.runtime.supervise.programs import SCRIPT, Made, make

SAVES_WHEN_ENDED = SCRIPT.replace("while step <", '''
def save(*_):
    json.dump({"step": step}, open(f"{args.out}/step_{step}.json", "w"))
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
while step <''').replace("{1 / step:.5f}", "{1.0 if step < 15 else 100.0}")
GUARD = {"when": "loss > 50", "then": "stop"}


def stopped(workspace: Path, **more: Any) -> Made:
    """A run whose loss is 100 from step 15 on, ended at once, with a checkpoint of that moment."""
    made = make(workspace, SAVES_WHEN_ENDED, flags={"delay": 0.05, "save_every": 10}, **more)
    assert made.run()[0] == STOPPED_BY_GUARD
    assert made.record["attempts"][0]["stopped_by"] == {"guard": "loss_above_50", "when": "loss > 50", "step": 15}
    assert max(int(path.stem[5:]) for path in (made.folder / "own files").glob("step_*.json")) >= 15
    return made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return stopped(tmp_path, guards=[GUARD])


def test_what_was_saved_after_a_guard_fired_is_not_gone_on_from(made: Made) -> None:
    for _ in range(2):
        code, log = made.run()
        assert code == STOPPED_BY_GUARD, log
        assert "guard loss_above_50 (loss > 50) ended this run at step 15" in log and "take the guard out of the spec" in log
    assert made.record["outcome"] == "stopped" and len(made.record["attempts"]) == 1


def test_from_before_the_firing_it_goes_on_and_is_judged_again(made: Made) -> None:
    for path in (made.folder / "own files").glob("step_*.json"):
        if int(path.stem[5:]) >= 15:
            path.unlink()
    code, log = made.run()
    assert code == STOPPED_BY_GUARD and "going on from step_10.json" in log and "at step 15: loss > 50" in log


def test_without_the_guard_it_goes_on_and_a_guard_that_comes_back_is_armed(made: Made) -> None:
    without = make(made.workspace, SAVES_WHEN_ENDED, flags={"delay": 0.05, "save_every": 10})
    assert without.run()[0] == DONE and len(without.record["attempts"]) == 2


def test_a_guard_that_was_added_since_ends_it_at_the_first_figure(tmp_path: Path) -> None:
    made = make(tmp_path, SAVES_WHEN_ENDED, flags={"save_every": 10, "at": 25, "then": "sys.exit(9) if not args.resume else 0"})
    made.run()
    later = make(tmp_path, SAVES_WHEN_ENDED, guards=[GUARD],
                 flags={"save_every": 10, "at": 25, "then": "sys.exit(9) if not args.resume else 0"})
    code, log = later.run()
    assert code == STOPPED_BY_GUARD and "at step 21: loss > 50" in log


def test_what_hung_is_started_again(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 10, "then": "time.sleep(60) if not args.resume else 0"},
                guards=[{"when": "no progress for 2s", "then": "stop"}])
    assert made.run()[0] == STOPPED_BY_GUARD
    assert made.run()[0] == DONE
