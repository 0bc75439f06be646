"""Kills runs at chosen places and starts them again until they are done: a seed in, what was hit and what differs out.

A thread of the run itself strikes, a moment after the run has come to the place: inside an update, a checkpoint being
written, a validation, the change from one phase to another, or the start.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import checkpoint
from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.loop import Loop
from tests.runtime import processes
from tests.runtime.equality import differences

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
PLACES = {"start": (1, 0.15), "update": (25, 0.01), "save": (4, 0.05), "validate": (5, 0.01), "phase change": (2, 0.01)}
"""How often an attempt may have been at a place before it is struck, and how many seconds later at most."""


@dataclass(frozen=True)
class Strike:
    """A signal, some seconds after the run has come to a place for the n-th time; after none, it falls right there."""

    number: signal.Signals
    place: str
    visit: int
    delay: float


@dataclass
class Tally:
    """What happened: strikes by place (where the run really was) and by signal, runs seen through, what differed."""

    places: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    mismatches: list[str] = field(default_factory=list)


def arm(strike: Strike, said: Path) -> None:
    """In the run's process: gets the strike ready; the file says where the run was when it fell."""
    at, visits = ["start"], Counter[str]()

    def fall() -> None:
        said.write_text(at[-1])
        os.kill(os.getpid(), strike.number)

    def visit(place: str) -> None:
        visits[place] += 1
        if (place, visits[place]) != (strike.place, strike.visit):
            return
        if not strike.delay:
            fall()
        else:
            timer = threading.Timer(strike.delay, fall)
            timer.daemon = True
            timer.start()

    @contextmanager
    def being(place: str) -> Iterator[None]:
        at.append(place)
        visit(place)
        try:
            yield
        finally:
            at.pop()

    _watch(being)
    visit("start")


def _watch(being: Callable[[str], Any]) -> None:
    update, save, validate, enter, run = Loop._update, Loop.save, Loop.validate, Loop._enter, Loop.run

    def watched(place: str, method: Callable[..., Any], loop: Loop, *arguments: Any) -> Any:
        if place == "phase change" and arguments[0] is loop.phase:
            return method(loop, *arguments)
        with being(place):
            return method(loop, *arguments)

    for name, place, method in (("run", "between", run), ("_update", "update", update), ("save", "save", save),
                                ("validate", "validate", validate), ("_enter", "phase change", enter)):
        setattr(Loop, name, lambda loop, *rest, place=place, method=method: watched(place, method, loop, *rest))


def throw(dice: random.Random) -> Strike:
    """A strike at random, each place as likely as the others."""
    place = dice.choice(list(PLACES))
    visits, seconds = PLACES[place]
    return Strike(dice.choice(SIGNALS), place, dice.randint(1, visits), dice.uniform(0.0, seconds))


def see_through(workspace: Path, experiment: Experiment, whole: Path, dice: random.Random, tally: Tally, most: int) -> None:
    """Strikes a run up to `most` times, then lets it end; compares it with the folder of one that nobody struck."""
    run = workspace / "runs" / experiment.run
    reached = 0
    for _ in range(most):
        strike, said = throw(dice), workspace / "struck"
        said.unlink(missing_ok=True)
        code, log = processes.start(workspace, experiment, before=partial(arm, strike, said)).end()
        if code == DONE:
            break
        if code not in (-strike.number, INTERRUPTED) or "Traceback" in log:
            tally.mismatches.append(f"{strike}: exit code {code}\n{log}")
            break
        tally.places[said.read_text() or "start"] += 1
        tally.signals[strike.number.name] += 1
        found, _ = checkpoint.newest(run / "checkpoints", training_sha256(experiment.training))
        if (found.position.step if found else 0) < reached:
            tally.mismatches.append(f"{strike}: the newest whole checkpoint went back from step {reached}")
        reached = found.position.step if found else reached
    code, log = processes.run(workspace, experiment)
    tally.runs += 1
    tally.mismatches += [f"exit code {code}\n{log}"] if code != DONE else differences(run, whole, experiment.training.steps)
