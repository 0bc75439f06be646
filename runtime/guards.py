"""The guards of a run: what was measured in, what is to be done out. Rank 0 judges, and all processes obey.

`Guards.state` goes into every checkpoint (windows, streaks, best values, how often each guard has acted, what rates and
batch have become), so that an interrupted and resumed run decides exactly as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from expc.compiler.contract.conditions import Event, metrics_of, parse
from expc.compiler.contract.conditions.online import Moment, Watch
from expc.compiler.contract.guards import NOT_FINITE, Guard

from . import distributed
from .errors import STOPPED_BY_GUARD, UserError

MOST_WARNINGS = 20
"""A guard that flaps warns so often and then goes silent."""
ADVICE = {NOT_FINITE.when: "Lower the rates or set optimizer.gradient_clip, then build and run again",
          "out of memory": "Fewer batch.rows with more batch.accumulation need less; the last checkpoint stays"}

Tell = Callable[[Guard, int, dict[str, Any], str], None]
"""Writes down that a guard fired: the guard, the step, what was done (`done` and its figures), a line for people."""


@dataclass(frozen=True)
class Decision:
    """A guard that fired: the step at which it did, the one at which that began, and the figures that it was judged by."""

    guard: Guard
    step: int
    onset: int
    figures: str = ""

    def __str__(self) -> str:
        return f"guard {self.guard.name} at step {self.step:,}: {self.guard.when}{self.figures}"


class Fired(UserError):
    """Training does not go on from here: it ends, or whoever catches this takes it up again from an earlier step."""

    def __init__(self, decision: Decision, message: str, goes_on: bool) -> None:
        super().__init__(message, STOPPED_BY_GUARD)
        self.decision, self.goes_on = decision, goes_on


class Guards:
    """The guards of one run. `rate` multiplies all rates, `split` divides the rows that are taken at a time."""

    def __init__(self, guards: tuple[Guard, ...], tell: Tell, state: Mapping[str, Any] | None = None) -> None:
        self.guards, self.tell = guards, tell
        conditions = {guard.name: parse(guard.when) for guard in guards}
        self.watches = [(guard, Watch(conditions[guard.name], guard.higher)) for guard in guards
                        if not isinstance(conditions[guard.name], Event)]
        self.wanted = frozenset(name for one in conditions.values() for name in metrics_of(one)) | {"epoch"}
        self.values: dict[str, float] = {}
        self.validations, self.rate, self.split = 0, 1.0, 1
        self.validated_at: int | None = None
        self.used: dict[str, int] = {}
        self.stopped: dict[str, str] | None = None
        self.decided: Decision | None = None
        if state:
            self._restore(state)

    def observe(self, step: int, seconds: float, measured: Mapping[str, float], validated: bool = False) -> None:
        """What an update or a validation brought; `seconds` have been spent inside of training steps."""
        fresh = {name: value for name, value in measured.items() if name in self.wanted}
        self.values.update(fresh)
        if validated:
            self.validations, self.validated_at = self.validations + 1, step
        moment = Moment(step, seconds, self.validations, validated, self.values, fresh)
        for guard, watch in self.watches:
            if watch.observe(moment):
                self._fired(Decision(guard, step, watch.onset(moment), self._figures(guard)))

    def _fired(self, decision: Decision) -> None:
        if decision.guard.action.kind == "warn":
            self._warn(decision)
        elif self.decided is None or (self.decided.guard.action.kind == "save_and_stop"
                                      and decision.guard.action.kind != "save_and_stop"):
            self.decided = decision

    def _warn(self, decision: Decision) -> None:
        guard, count = decision.guard, self._use(decision.guard)
        if count <= MOST_WARNINGS:
            last = "; it warns no more" if count == MOST_WARNINGS else ""
            self.tell(guard, decision.step, {"done": "warned"}, f"warning: {decision}{last}")

    def _use(self, guard: Guard) -> int:
        self.used[guard.name] = self.used.get(guard.name, 0) + 1
        return self.used[guard.name]

    def _figures(self, guard: Guard) -> str:
        read = [f"{name} {self.values[name]:.6g}" for name in metrics_of(parse(guard.when)) if name in self.values]
        return f" ({', '.join(read)})" if read else ""

    def obey(self) -> None:
        """Raises `Fired` where a guard, judged by rank 0, wants training to end here. All processes ask at the same step."""
        decision = self._agreed()
        if decision is None:
            return
        self.decided = decision
        action = decision.guard.action
        if action.times > self.used.get(decision.guard.name, 0):
            raise Fired(decision, str(decision), True)
        done: dict[str, Any] = {"done": "saved" if action.kind == "save_and_stop" else "stopped"}
        if action.times:
            done = {"done": "exhausted", "times": action.times}
        if action.kind == "save_and_stop":
            self.stopped = {"guard": decision.guard.name, "when": decision.guard.when}
        if distributed.is_main():
            self.tell(decision.guard, decision.step, done, "")
        advice = ADVICE.get(decision.guard.when, "The results document and events.jsonl say what was measured")
        raise Fired(decision, f"stopped by {decision}. {advice}", False)

    @property
    def ending(self) -> bool:
        """Whether what comes after the latest observation will be taken back, or come to nothing."""
        return self.decided is not None and self.decided.guard.action.kind != "save_and_stop"

    def _agreed(self) -> Decision | None:
        if distributed.world_size() == 1:
            return self.decided
        mine = self.decided
        told = distributed.from_main([self.guards.index(mine.guard), mine.step, mine.onset] if mine else [-1, 0, 0])
        if told[0] < 0:
            return None
        return Decision(self.guards[told[0]], told[1], told[2], mine.figures if mine and distributed.is_main() else "")

    def out_of_memory(self, step: int, rows: int) -> None:
        """Raises `Fired` where a guard says what is to be done about it; `rows` are taken at a time so far."""
        guard = next((one for one in self.guards if one.when == "out of memory"), None)
        if guard is None or distributed.world_size() > 1:
            return
        self.decided = Decision(guard, step, step)
        if rows % 2 and guard.action.times:
            self.used[guard.name] = guard.action.times  # there is nothing left to halve
        self.obey()

    def after(self, decision: Decision, state: Mapping[str, Any]) -> Guards:
        """The guards to go on with from an earlier checkpoint: its windows, and all that guards have done since."""
        action, name = decision.guard.action, decision.guard.name
        used = self.used | {name: self.used.get(name, 0) + 1}
        split = self.split * (2 if action.kind == "halve_batch" else 1)
        return Guards(self.guards, self.tell,
                      {**state, "used": used, "rate": self.rate * action.rate, "split": split, "stopped": None})

    @property
    def goes_back(self) -> bool:
        """Whether some guard may go back to an earlier checkpoint."""
        return any(guard.action.times for guard in self.guards)

    def state(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        watches = {guard.name: {"when": guard.when, **watch.state()} for guard, watch in self.watches}
        return {"values": {name: repr(value) for name, value in self.values.items()}, "validations": self.validations,
                "validated_at": self.validated_at,
                "watches": watches, "used": self.used, "rate": self.rate, "split": self.split, "stopped": self.stopped}

    def _restore(self, state: Mapping[str, Any]) -> None:
        """Puts back a state; a guard that the spec has changed since begins anew."""
        self.values = {name: float(value) for name, value in state.get("values", {}).items() if name in self.wanted}
        self.validations, self.used = state.get("validations", 0), dict(state.get("used", {}))
        self.validated_at = state.get("validated_at")
        self.rate, self.split, self.stopped = state.get("rate", 1.0), state.get("split", 1), state.get("stopped")
        for guard, watch in self.watches:
            one = state.get("watches", {}).get(guard.name)
            if one and one["when"] == guard.when:
                watch.restore(one)
