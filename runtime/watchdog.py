"""Guards on the clock: a thread that sees when updates stop coming, or data, and that works while the main thread hangs.

It can act as long as the call that hangs lets other threads run, as waiting for a disk, a network, a GPU or another
process does. What hangs can save nothing: the process writes down why, and ends. Time in which the whole process was paused
(SIGSTOP, a frozen container) does not count.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from expc.compiler.contract.conditions import Event, parse
from expc.compiler.contract.guards import Guard

from .waiting import Waiting


@dataclass
class _Limit:
    guard: Guard
    kind: str
    seconds: float
    fired: bool = field(default=False)


class Watchdog:
    """While entered, calls `fire(guard, step, seconds)` once for every time that a guard's limit is exceeded."""

    def __init__(self, guards: Iterable[Guard], waiting: Waiting, fire: Callable[[Guard, int, float], None]) -> None:
        self._limits = [_Limit(guard, event.kind, event.span.value) for guard in guards
                        if isinstance(event := parse(guard.when), Event) and event.span]
        self._waiting, self._fire, self._done = waiting, fire, threading.Event()
        self._beat, self._step = time.monotonic(), 0
        self._pauses: list[tuple[float, float]] = []
        """From when to when the process did nothing at all."""
        self._thread: threading.Thread | None = None

    def beat(self, step: int) -> None:
        """An update, a checkpoint or a validation is done."""
        self._beat, self._step = time.monotonic(), step

    def __enter__(self) -> Watchdog:
        self._beat = time.monotonic()
        if self._limits:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        often = min(1.0, max(0.02, min(one.seconds for one in self._limits) / 10))
        looked = time.monotonic()
        while not self._done.wait(often):
            before, looked = looked, time.monotonic()
            if looked - before > 2 * often:
                self._pauses.append((before + often, looked))
            for one in self._limits:
                waited = self._waited(one.kind)
                if waited < one.seconds:
                    one.fired = False
                elif not one.fired:
                    one.fired = True
                    self._fire(one.guard, self._step, waited)

    def _waited(self, kind: str) -> float:
        since = self._beat if kind == "no progress" else self._waiting.since
        if since is None:
            return 0.0
        self._pauses = [one for one in self._pauses if one[1] > min(since, self._beat)]
        return time.monotonic() - since - sum(max(0.0, end - max(since, start)) for start, end in self._pauses)
