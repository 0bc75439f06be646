"""A run's guards and its watchdog, tied to where it writes: events, record, and the lines that people see."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import Guard
from expc.compiler.contract.quantities import duration

from . import distributed
from .checkpoint import Found
from .errors import STOPPED_BY_GUARD, UserError
from .families import Task
from .guards import Guards
from .journal import event, now
from .live.tail import last_lines
from .progress import quiet_end, say
from .record import Record
from .watchdog import Watchdog


def of_run(experiment: Experiment, task: Task, folder: Path, record: Record, found: Found | None) -> tuple[Guards, Watchdog]:
    """The guards in the state of the checkpoint that the run goes on from, and the watchdog."""

    def tell(guard: Guard, step: int, done: dict[str, Any], line: str) -> None:
        write_down(folder, record, guard, step, done)
        if line:
            say(line)

    def hangs(guard: Guard, step: int, seconds: float) -> None:
        warns = guard.action.kind == "warn"
        with _one_at_a_time(folder):
            if distributed.world_size() > 1 and _told(folder, guard, step):
                return None if warns else os._exit(STOPPED_BY_GUARD)
            say(f"guard {guard.name}: {guard.when} ({duration(seconds)} so far)" + ("" if warns else "; ending the process"))
            write_down(folder, record, guard, step, {"done": "warned" if warns else "stopped"})
            if not warns:
                end(record, step)

    state = found.state.get("guards") if found else None
    return Guards(experiment.guards, tell, state), Watchdog(experiment.guards, task.waiting, hangs)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Where one process of a run hangs, all of them soon do, and each has a watchdog."""
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _told(folder: Path, guard: Guard, step: int) -> bool:
    """Whether another process of this attempt has told of it; one that waits for the others may be an update ahead."""
    told = False
    for line in last_lines(folder / "events.jsonl"):
        if line.get("event") in ("started", "resumed"):
            told = False
        elif line.get("event") == "guard" and line.get("guard") == guard.name:
            told = told or abs(line["step"] - step) <= 1
    return told


def write_down(folder: Path, record: Record, guard: Guard, step: int, done: dict[str, Any]) -> None:
    """Puts a firing into the events, and into the record unless it is there: a run that is repeated fires again."""
    event(folder, "guard", guard=guard.name, when=guard.when, step=step, **done)
    fired = {"guard": guard.name, "when": guard.when, "step": step, **done}
    before = record.read().get("guards") or []
    if not any({**one, "time": None} == {**fired, "time": None} for one in before):
        record.update(guards=[*before, fired | {"time": now()}])


def end(record: Record, step: int) -> None:
    """Ends a process whose main thread hangs: the record says why, and nothing else can be saved."""
    attempts = record.read()["attempts"]  # another process of the run may be the one that keeps it
    ended = [{**attempts[-1], "ended": now(), "outcome": "stopped", "to_step": step}] if attempts else []
    stage = {"outcome": "stopped", "seconds": None, "ended": now()}
    record.update(outcome="stopped", step=step, attempts=[*attempts[:-1], *ended],
                  stages={**record.body.get("stages", {}), "train": stage})
    quiet_end()
    os._exit(STOPPED_BY_GUARD)


def refuse_stopped(experiment: Experiment, found: Found) -> None:
    """Raises UserError where a guard that the experiment still has ended the run at this checkpoint for good."""
    stopped = (found.state.get("guards") or {}).get("stopped") or {}
    for guard in experiment.guards:
        if guard.action.kind == "save_and_stop" and (guard.name, guard.when) == (stopped.get("guard"), stopped.get("when")):
            raise UserError(f"guard {guard.name} ({guard.when}) ended this run at step {found.position.step:,}; to go on "
                            "all the same, take it out of the spec, build, and run again", STOPPED_BY_GUARD)


def ends_with(experiment: Experiment, found: Found, measured: dict[str, float]) -> bool:
    """Whether a guard has something to say against ending with this checkpoint, now that its validation is known."""
    position, guards = found.position, Guards(experiment.guards, lambda *told: None, found.state.get("guards"))
    if guards.validated_at != position.step:
        guards.observe(position.step, position.seconds, measured, validated=True)
    return guards.decided is not None
