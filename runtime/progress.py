"""Progress of long work: one line that is rewritten on a terminal, a plain line every few seconds in a log."""

from __future__ import annotations

import sys
import time

from expc.compiler.contract.quantities import duration

LOG_SECONDS = 10.0
TERMINAL_SECONDS = 0.2


class Progress:
    """Prints how far `total` steps have come; `say` prints a line of its own in between."""

    def __init__(self, label: str, first: int, total: int) -> None:
        self.label, self.first, self.total = label, first, total
        self.terminal = sys.stderr.isatty()
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
        if self.terminal:
            sys.stderr.write(f"\r\x1b[2K{line[:200]}")
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def say(self, line: str) -> None:
        """Prints a line without breaking the one that is rewritten."""
        say(line, clear=self.terminal)


def say(line: str, clear: bool = False) -> None:
    """One line for the user or the log."""
    sys.stderr.write(("\r\x1b[2K" if clear else "") + line + "\n")
    sys.stderr.flush()
