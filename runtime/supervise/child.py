"""One foreign process and all that it starts: run to its end, its output handed on as it comes, its end enforced.

The process gets a session of its own. A signal that asks this process to stop is passed to the whole group at once; who
ignores it is killed after the grace time, in the group and outside of it. What the program leaves behind is ended too. Nothing
here knows what the program does.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from ..errors import MISSING, UserError
from ..signals import heard
from .offspring import Offspring, adopting

TICK = 0.2
CHUNK = 65_536
LEFT_BEHIND = 2.0
"""Seconds that processes have to follow the program into its end by themselves."""


class Child:
    """Runs one program in the main thread; `stop` asks it to end, `stopped_by` says who asked first."""

    def __init__(self, words: list[str], directory: Path, environment: dict[str, str], grace: float,
                 terminal: bool = False) -> None:
        self.words, self.directory, self.environment = words, directory, environment
        self.grace, self.terminal = grace, terminal
        self.stopped_by: str | None = None
        self.killed = False
        """Whether it had to be killed because it ignored the request to stop."""
        self.left_behind = False
        """Whether processes of its own were still there after it had ended."""
        self.process: subprocess.Popen[bytes] | None = None
        self._deadline = float("inf")
        self._offspring = Offspring()

    def run(self, output: Callable[[bytes], None], tick: Callable[[], None]) -> int:
        """Runs to the end; returns the exit code (negative: the signal that ended it). Raises UserError where it cannot start.

        `output` gets every piece of standard output and error, `tick` is called several times a second. Whatever either of
        them raises ends the program before it goes on its way.
        """
        with self, adopting():
            reading = self._start()
            try:
                self._follow(reading, output, tick)
                return self._end(reading, output)
            except BaseException:
                self._terminate()
                raise
            finally:
                os.close(reading)

    def stop(self, why: str, number: int = signal.SIGTERM) -> None:
        """Asks the whole group to end, and gives it the grace time."""
        if self.stopped_by is None:
            self.stopped_by, self._deadline = why, time.monotonic() + self.grace
        self._send(number)
        self._send(signal.SIGCONT)  # who has been paused hears nothing before

    def kill(self) -> None:
        """Ends the program and all that it has started at once, as long as its number is surely still this program's."""
        if self.process is not None and self.process.returncode is None:
            self._offspring.send(signal.SIGKILL)

    def _start(self) -> int:
        self._offspring = Offspring()
        reading, writing = pty.openpty() if self.terminal else os.pipe()
        if self.terminal:
            _without_line_ends(writing)
        try:
            self.process = subprocess.Popen(self.words, cwd=self.directory, env=self.environment, start_new_session=True,
                                            stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
        except OSError as error:
            os.close(reading)
            raise UserError(f"{self.words[0]} could not be started in {self.directory} ({error.strerror})", MISSING) from error
        finally:
            os.close(writing)
        self._offspring.group = self.process.pid
        if self.stopped_by is not None:  # the signal came before there was somebody to pass it to
            self._send(signal.SIGTERM)
        return reading

    def _follow(self, reading: int, output: Callable[[bytes], None], tick: Callable[[], None]) -> None:
        assert self.process is not None
        ended = False
        while self.process.poll() is None:
            if ended:  # it has closed its output and goes on
                time.sleep(TICK)
            elif _readable(reading, TICK):
                ended = not self._hand_on(reading, output)
            tick()
            if time.monotonic() > self._deadline and not self.killed:
                self.killed = True
                self._offspring.send(signal.SIGKILL)

    def _end(self, reading: int, output: Callable[[bytes], None]) -> int:
        """The end of whoever was left behind, and what all of them have left in the pipe."""
        assert self.process is not None
        patience = time.monotonic() + LEFT_BEHIND
        while self._anyone() and time.monotonic() < patience:
            if _readable(reading, TICK / 4) and not self._hand_on(reading, output):
                time.sleep(TICK / 4)
        if self._anyone():
            self.left_behind = True
            self._terminate()
        while _readable(reading, 0) and self._hand_on(reading, output):
            continue
        return self.process.returncode

    def _terminate(self) -> None:
        """Ends them all for good: first by request, then by force."""
        self._offspring.send(signal.SIGTERM)
        patience = time.monotonic() + self.grace
        while self._anyone() and time.monotonic() < patience:
            time.sleep(TICK / 4)
        patience = time.monotonic() + LEFT_BEHIND
        while self._anyone() and time.monotonic() < patience:  # again, since they may start others meanwhile
            self._offspring.send(signal.SIGKILL)
            time.sleep(TICK / 20)
        if self.process is not None:
            self.process.wait()

    def _anyone(self) -> bool:
        """Whether some process of the program's is alive."""
        return bool(self._offspring.alive())

    def _send(self, number: int) -> None:
        """Sends a signal to the group, if there is anybody."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.process is not None:
                os.killpg(self.process.pid, number)

    def _hand_on(self, reading: int, output: Callable[[bytes], None]) -> bool:
        try:
            data = os.read(reading, CHUNK)
        except OSError:  # how a terminal says that nobody is at its other end any more
            return False
        if data:
            output(data)
        return bool(data)

    def __enter__(self) -> Child:
        self._before: dict[signal.Signals, Any] = {one: signal.signal(one, self._pass_on) for one in heard()}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if self.stopped_by is not None and number == signal.SIGINT:
            self._deadline = 0.0  # a second Ctrl-C: at once
            return
        self.stop(signal.Signals(number).name, number)


def _readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _without_line_ends(terminal: int) -> None:
    """A terminal that leaves line feeds as they are."""
    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
