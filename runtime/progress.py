"""Progress of long work: one line that is rewritten on a terminal, a plain line every few seconds in a log.

A terminal that was closed or a reader that went away takes none of the work with it: what nobody reads is dropped, and
everything of worth is in the journal. `quiet_end` sees to it that such lines do not spoil the exit code either.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from typing import TextIO

from expc.compiler.contract.quantities import duration

LOG_SECONDS = 10.0
TERMINAL_SECONDS = 0.2
PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EAGAIN)
"""Why a line cannot be written now, and a later one perhaps can: a log on a full disk. All else is for good."""


class Progress:
    """Prints how far `total` steps have come; `say` prints a line of its own in between."""

    def __init__(self, label: str, first: int, total: int) -> None:
        self.label, self.first, self.total = label, first, total
        self.terminal = sys.stderr is not None and sys.stderr.isatty()
        self._started = time.monotonic()
        self._shown = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time for another line."""
        return time.monotonic() - self._shown > (TERMINAL_SECONDS if self.terminal else LOG_SECONDS)

    def show(self, step: int, details: str, force: bool = False) -> None:
        """Shows step and details, if it is time or has to be."""
        if not force and not self.due:
            return
        self._shown = time.monotonic()
        elapsed, done = self._shown - self._started, step - self.first
        left = duration(elapsed / done * (self.total - step)) if done else "?"
        line = f"{self.label} {step:,}/{self.total:,} ({step / self.total:.0%})  {details}  {left} left"
        put(f"\r\x1b[2K{line[:200]}" if self.terminal else line + "\n")

    def say(self, line: str) -> None:
        """Prints a line without breaking the one that is rewritten."""
        say(line, clear=self.terminal)


def say(line: str, clear: bool = False) -> None:
    """One line for the user or the log."""
    put(("\r\x1b[2K" if clear else "") + line + "\n")


def put(text: str, stream: TextIO | None = None) -> None:
    """Writes a text to the standard error (or another stream), as long as somebody is there to read it."""
    to = stream or sys.stderr
    if to is None:  # started with the stream closed
        return
    try:
        to.write(text)
        to.flush()
    except OSError as error:
        if error.errno not in PASSING:
            _mute(to)


def quiet_end() -> None:
    """Leaves nothing in the streams that could not be written: Python would end with 120 for it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            _mute(stream)


def _mute(stream: TextIO) -> None:
    """What is still written to the stream, also by libraries and programs that are started, goes nowhere from here on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
