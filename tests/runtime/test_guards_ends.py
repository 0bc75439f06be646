"""What guards leave where they end a run: at its last validation, with nothing to go back to, before another training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from expc.runtime.files import read_json, write_json
from tests.runtime.test_guards import checkpoints, fired, guard, made, run, spoiled, stopped

__all__ = ["spoiled"]  # a fixture


def test_a_changed_training_inherits_nothing_from_one_without_a_checkpoint(toy: Path) -> None:
    stopped(toy, made(guard("step > 3", "stop", name="old"), seed=12), "guard old at step 4")
    record = toy / "runs" / "toy" / "record.json"
    write_json(record, read_json(record) | {"peak_memory": 10**15})
    body = read_json(run(toy, made()) / "record.json")
    assert body["outcome"] == "done" and len(body["attempts"]) == 1
    assert "guards" not in body and body["peak_memory"] < 10**15


@pytest.mark.parametrize("kind", ["stop", "save_and_stop"])
def test_a_guard_that_fires_at_the_last_validation_keeps_its_say(toy: Path, kind: str) -> None:
    """The same command does not turn a stopped run into one that is done; taking the guard out does."""
    experiment = made(guard("no improvement of valid_loss by 100 for 8 validations", kind))
    folder = stopped(toy, experiment, "stopped by guard watched at step 60")
    record = read_json(folder / "record.json")
    assert (record["step"], record["last_validation"]["step"]) == (60, 60)
    stopped(toy, experiment, "guard watched")
    run(toy, made())
    assert read_json(folder / "record.json")["outcome"] == "done"


def test_a_guard_that_comes_later_does_not_stop_what_is_done(toy: Path) -> None:
    run(toy, made())
    folder = run(toy, made(guard("valid_loss > 0", "stop")))
    assert read_json(folder / "record.json")["outcome"] == "done"


def test_the_validation_that_stops_a_run_is_the_last_one_that_is_shown(toy: Path) -> None:
    folder = stopped(toy, made(guard("no improvement of valid_loss by 100 for 2 validations", "stop")), "at step 21")
    assert read_json(folder / "record.json")["last_validation"]["step"] == 21


def test_a_roll_back_that_finds_nothing_before_it_is_recorded(toy: Path, spoiled: Callable[..., list[int]]) -> None:
    """The first loss is of fresh weights: there is no checkpoint from before it, though there is one of step 0."""
    spoiled(9.0, {0})
    folder = stopped(toy, made(guard("loss > 5", "roll_back", 0.5, 2)), "so from update 1 on.*lower the rates in the spec")
    assert fired(folder) == [("watched", 1, "nowhere")] and checkpoints(folder) == [0]


def test_a_roll_back_whose_checkpoints_have_gone_says_which_it_wants(toy: Path, spoiled: Callable[..., list[int]],
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled(9.0, {24})
    monkeypatch.setattr("expc.runtime.recovery.checkpoint.up_to", lambda *asked: None)
    folder = stopped(toy, made(guard("loss > 5", "roll_back", 0.5, 2)), "a checkpoint of step 23 or before is wanted")
    assert fired(folder) == [("watched", 25, "nowhere")]
