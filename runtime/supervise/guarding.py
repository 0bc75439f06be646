"""The guards of a foreign run: its figures as they are read in, a request to end the program out.

A foreign program can be warned about and stopped, nothing else. What the guards have seen before a checkpoint is read from
the journal again when the program goes on from there, so that a resumed run decides like one that was not interrupted. What
it saved after a guard had ended it is not gone on from as long as the guard is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import NOT_FINITE, Guard
from expc.compiler.contract.quantities import duration

from ..errors import STOPPED_BY_GUARD, UserError
from ..guards import Fired, Guards
from ..progress import say
from ..record import Record
from ..waiting import Waiting
from ..watch import write_down
from ..watchdog import Watchdog
from .saved import Start


class Guarding:
    """Guards and watchdog of one attempt; `ended_by` says which of them wants the program to end, and why."""

    def __init__(self, experiment: Experiment, folder: Path, record: Record, stop: Callable[[str], None]) -> None:
        self.folder, self.record, self.stop = folder, record, stop
        self.ended_by: str | None = None
        self.fired: dict[str, Any] | None = None
        """The guard that judged its figures and ended it: `guard`, `when`, `step`; None where the clock did."""
        self._silent = False
        self.guards = Guards(experiment.guards, self._tell)
        self.watchdog = Watchdog(experiment.guards, Waiting(), self._hangs)

    def replay(self, lines: Iterable[dict[str, Any]]) -> None:
        """What an earlier attempt has read; whatever was done about it then is not done again.

        A guard that stops is no longer armed in an attempt that it has ended. So one that holds now (it was added since, or
        its attempt was killed before it could act) ends the program at the first figure that finds it true again.
        """
        self._silent, seconds = True, 0.0
        for line in lines:
            seconds = line.get("seconds") or seconds
            if line["kind"] in ("train", "valid"):
                self._observe(line["step"], seconds, line["kind"], line)
        self._silent, self.guards.decided = False, None
        for guard, watch in self.guards.watches:
            watch.holds = watch.holds and guard.action.kind == "warn"

    def observe(self, step: int, seconds: float, kind: str, values: dict[str, float]) -> None:
        """A figure that has just been read, or without values a sign of life; `seconds` is how long the program has run."""
        if self.ended_by is not None:
            return
        self.watchdog.beat(step)
        if not values:
            return
        self._observe(step, seconds, kind, values)
        try:
            self.guards.obey()
        except Fired as fired:
            decision = fired.decision
            self.fired = {"guard": decision.guard.name, "when": decision.guard.when, "step": decision.step}
            self._end(str(decision))

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


def refuse_stopped(experiment: Experiment, record: Record, start: Start | None) -> None:
    """Raises UserError where a guard that is still there ended the attempt before, and the start was saved after that.

    A checkpoint from before the guard fired is gone on from, as in a run of expc's own.
    """
    said = (record.body["attempts"] or [{}])[-1].get("stopped_by")
    if said is None or start is None or start.step < said["step"]:
        return
    if not any((one.name, one.when, one.action.kind) == (said["guard"], said["when"], "stop") for one in experiment.guards):
        return
    otherwise = "" if said["when"] == NOT_FINITE.when else (
        "; to go on all the same, take the guard out of the spec, build, and run again")
    raise UserError(f"guard {said['guard']} ({said['when']}) ended this run at step {said['step']:,}, and its newest "
                    f"checkpoint {start.file} is of step {start.step:,}. Move the checkpoints of step {said['step']:,} and "
                    f"later away to go on from before it{otherwise}", STOPPED_BY_GUARD)
