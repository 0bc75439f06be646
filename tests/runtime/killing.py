"""Kills runs at chosen places and starts them again until they are done: a seed in, what was hit and what differs out.

A thread of the run itself strikes, a moment after the run has come to the place: inside an update, a checkpoint being
written, a validation, the change from one phase to another, the evaluation, or the start. Only places are aimed at that the
run still comes to, the one that was aimed at least in this run so far; a run's last strikes are kept for its evaluation.
"""

from __future__ import annotations

import importlib
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
from expc.compiler.contract.training import known
from expc.runtime import checkpoint, evals
from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.loop import Loop
from tests.runtime import processes
from tests.runtime.equality import differences

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
STAGES = ("prepare", "train", "evaluate")
DELAYS = {"start": 0.15, "update": 0.01, "save": 0.05, "validate": 0.01, "phase change": 0.0,
          "phase changed": 0.0, "evaluate": 0.05}
"""After how many seconds at a place, at most, it is struck. A phase changes so quickly that it is struck where that begins, and
where it ends."""
LAST = 2
"""Strikes that are kept for the evaluation."""


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

    def add(self, other: Tally) -> None:
        """What happened elsewhere, too."""
        self.places += other.places
        self.signals += other.signals
        self.runs += other.runs
        self.mismatches += other.mismatches


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
            if place == "phase change":
                visit("phase changed")
        finally:
            at.pop()

    def after() -> None:
        at[0] = "after training"

    _watch(being, after)
    visit("start")


def _watch(being: Callable[[str], Any], after: Callable[[], None]) -> None:
    """Puts `being` around the loop's methods and the evaluation. A phase that an attempt begins in is no change."""
    update, save, validate, enter, run = Loop._update, Loop.save, Loop.validate, Loop._enter, Loop.run
    evaluate = evals.evaluate

    def watched(place: str, method: Callable[..., Any], loop: Loop, *arguments: Any) -> Any:
        if place == "phase change" and loop.phase in (None, arguments[0]):
            return method(loop, *arguments)
        with being(place):
            result = method(loop, *arguments)
        if place == "between":
            after()
        return result

    def evaluated(*arguments: Any) -> Path:
        with being("evaluate"):
            return evaluate(*arguments)

    for name, place, method in (("run", "between", run), ("_update", "update", update), ("save", "save", save),
                                ("validate", "validate", validate), ("_enter", "phase change", enter)):
        setattr(Loop, name, lambda loop, *rest, place=place, method=method: watched(place, method, loop, *rest))
    evals.evaluate = evaluated


def strike_after(module: str, name: str) -> None:
    """In the run's process: SIGTERM as soon as a function of a module, or a method (`Class.method`), has returned."""
    owner, _, last = name.rpartition(".")
    place: Any = importlib.import_module(module)
    place = getattr(place, owner) if owner else place
    function = getattr(place, last)

    def struck(*arguments: object) -> None:
        function(*arguments)
        os.kill(os.getpid(), signal.SIGTERM)

    setattr(place, last, struck)


def visits(experiment: Experiment, step: int) -> dict[str, int]:
    """How often an attempt that begins at a step comes to each place, as far as it does; the evaluation is always ahead."""
    training, every = experiment.training, known(experiment.validation).every
    changes = sum(phase.start > step for phase in training.phases)
    counts = {"start": 1, "update": training.steps - step, "phase change": changes, "phase changed": changes,
              "evaluate": 1, "save": _multiples(step, training.steps, experiment.checkpoint.every),
              "validate": _multiples(step, training.steps, every)}
    return {place: count for place, count in counts.items() if count}


def _multiples(first: int, last: int, period: int) -> int:
    return last // period - first // period


def throw(dice: random.Random, counts: dict[str, int], aimed: Counter[str], left: int) -> Strike:
    """A strike at random at the place that was aimed at least, `left` strikes before the run's last one."""
    training = [place for place in counts if place not in ("start", "evaluate")]
    open_ = ["evaluate"] if left < LAST else ["start", *training] if training else ["start", "evaluate"]
    place = min(open_, key=lambda one: (aimed[one], dice.random()))
    aimed[place] += 1
    visit = dice.randint(1, max(1, counts[place] // 2))  # those behind it are left for the strikes to come
    return Strike(dice.choice(SIGNALS), place, visit, dice.uniform(0.0, DELAYS[place]))


def see_through(workspace: Path, experiment: Experiment, whole: Path, dice: random.Random, most: int) -> Tally:
    """Strikes a run up to `most` times, then lets it end; compares it with the folder of one that nobody struck."""
    run, tally, aimed, reached = workspace / "runs" / experiment.run, Tally(), Counter[str](), 0
    for left in reversed(range(most)):
        strike, said = throw(dice, visits(experiment, reached), aimed, left), workspace / "struck"
        said.unlink(missing_ok=True)
        code, log = processes.start(workspace, experiment, *STAGES, before=partial(arm, strike, said)).end()
        if code == DONE:  # it was quicker than the strike
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
    code, log = processes.run(workspace, experiment, *STAGES)
    tally.runs += 1
    tally.mismatches += [f"exit code {code}\n{log}"] if code != DONE else differences(run, whole, experiment.training.steps)
    return tally
