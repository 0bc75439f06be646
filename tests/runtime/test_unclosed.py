"""Runs that had come to their end and were killed before their record said so: what is seen of them, and what the next start
makes of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from expc.compiler.contract.guards import Guard
from expc.runtime.errors import DONE, STOPPED_BY_GUARD
from expc.runtime.files import read_json
from expc.runtime.live.facts import look
from expc.runtime.loop import Loop
from tests.runtime import processes
from tests.runtime.test_guards import guard, made

KILLED = 9


def killed_before_the_record_is_closed() -> None:
    """As a power cut would, right after everything else has been written."""
    from expc.runtime import train

    train._leave = lambda *told: os._exit(KILLED)  # type: ignore[assignment]


def interrupted_at_the_last_step() -> None:
    killed_before_the_record_is_closed()
    stops = Loop._stops
    Loop._stops = lambda self, stop: stops(self, stop) or self.position.step == 39  # type: ignore[method-assign]


@pytest.mark.parametrize(("guards", "step"), [
    ((guard("step >= 40", "save_and_stop"),), 40), ((guard("step >= 25", "save_and_stop"),), 28),
    ((guard("no improvement of valid_loss by 100 for 5 validations", "save_and_stop"),), 40),
    ((guard("no improvement of valid_loss by 100 for 5 validations", "stop"),), 40)],
    ids=["at the last step", "before", "at the last validation", "not saved"])
def test_a_guard_had_stopped_it(toy: Path, guards: tuple[Guard, ...], step: int) -> None:
    experiment, folder = made(*guards, steps=40), toy / "runs" / "toy"
    code, log = processes.start(toy, experiment, before=killed_before_the_record_is_closed).end()
    assert code == KILLED, log
    assert read_json(folder / "record.json")["outcome"] == "running"
    assert look(folder).outcome == "stopped"
    for _ in range(2):
        code, log = processes.run(toy, experiment)
        record = read_json(folder / "record.json")
        assert (code, record["outcome"], record["step"]) == (STOPPED_BY_GUARD, "stopped", step), log
        assert look(folder).outcome == "stopped" and record["attempts"][0]["outcome"] == "killed"


def test_it_was_done(toy: Path) -> None:
    experiment, folder = made(steps=40), toy / "runs" / "toy"
    assert processes.start(toy, experiment, before=killed_before_the_record_is_closed).end()[0] == KILLED
    assert look(folder).outcome == "done"
    assert processes.run(toy, experiment)[0] == DONE
    record = read_json(folder / "record.json")
    assert (record["outcome"], record["attempts"][0]["outcome"]) == ("done", "killed")


def test_it_was_interrupted(toy: Path) -> None:
    experiment, folder = made(steps=40), toy / "runs" / "toy"
    assert processes.start(toy, experiment, before=interrupted_at_the_last_step).end()[0] == KILLED
    assert look(folder).outcome == "interrupted"
    assert processes.run(toy, experiment)[0] == DONE
    assert look(folder).outcome == "done"
