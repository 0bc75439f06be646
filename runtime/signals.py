"""Signals that ask a run to stop: the first one is noted and the step is finished, a second Ctrl-C stops at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


def heard() -> tuple[signal.Signals, ...]:
    """The signals that ask to stop; the loss of the terminal is among them, unless nohup has made this process deaf to it."""
    return STOPPING if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (*STOPPING, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[None]:
    """While entered, every signal that asks to stop raises KeyboardInterrupt, so that whatever runs cleans up."""
    before = {one: signal.signal(one, signal.default_int_handler) for one in heard()}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class StopRequest:
    """While entered, `name` is the first signal that asked to stop; a second SIGINT raises KeyboardInterrupt."""

    name: str | None = None

    def __enter__(self) -> StopRequest:
        self._before: dict[signal.Signals, Any] = {one: signal.signal(one, self._note) for one in heard()}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.name is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name
