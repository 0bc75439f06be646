"""The guards of a foreign run: its figures as they are read in, a request to end the program out.

A foreign program can be warned about and stopped, nothing else. What the guards have seen before a checkpoint is read from
the journal again when the program goes on from there, so that a resumed run decides like one that was not interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import Guard
from expc.compiler.contract.quantities import duration

from ..guards import Fired, Guards
from ..progress import say
from ..record import Record
from ..waiting import Waiting
from ..watch import write_down
from ..watchdog import Watchdog


class Guarding:
    """Guards and watchdog of one attempt; `ended_by` says which of them wants the program to end, and why."""

    def __init__(self, experiment: Experiment, folder: Path, record: Record, stop: Callable[[str], None]) -> None:
        self.folder, self.record, self.stop = folder, record, stop
        self.ended_by: str | None = None
        self._silent = False
        self.guards = Guards(experiment.guards, self._tell)
        self.watchdog = Watchdog(experiment.guards, Waiting(), self._hangs)

    def replay(self, lines: Iterable[dict[str, Any]]) -> None:
        """What an earlier attempt has read; whatever was done about it then is not done again."""
        self._silent, seconds = True, 0.0
        for line in lines:
            seconds = line.get("seconds") or seconds
            if line["kind"] in ("train", "valid"):
                self._observe(line["step"], seconds, line["kind"], line)
        self._silent, self.guards.decided = False, None

    def observe(self, step: int, seconds: float, kind: str, values: dict[str, float]) -> None:
        """A figure that has just been read; `seconds` is how long the program has run."""
        if self.ended_by is not None:
            return
        if kind == "train":
            self.watchdog.beat(step)
        self._observe(step, seconds, kind, values)
        try:
            self.guards.obey()
        except Fired as fired:
            self._end(str(fired.decision))

    def _observe(self, step: int, seconds: float, kind: str, values: dict[str, Any]) -> None:
        figures = {name: float(value) for name, value in values.items() if isinstance(value, (int, float))}
        self.guards.observe(step, seconds, figures | {"step": float(step)}, kind == "valid")

    def _tell(self, guard: Guard, step: int, done: dict[str, Any], line: str) -> None:
        if self._silent:
            return
        write_down(self.folder, self.record, guard, step, done)
        if line:
            say(line)

    def _hangs(self, guard: Guard, step: int, seconds: float) -> None:
        warns = guard.action.kind == "warn"
        self._tell(guard, step, {"done": "warned" if warns else "stopped"},
                   f"guard {guard.name}: {guard.when} ({duration(seconds)} so far)")
        if not warns:
            self._end(f"guard {guard.name} at step {step:,}: {guard.when}")

    def _end(self, why: str) -> None:
        if self.ended_by is None:
            self.ended_by = why
            self.stop("a guard")
