"""`expc watch`: follows a run on a terminal until it ends or somebody leaves, or line by line where there is no terminal.

The terminal's alternate screen is used and given back, whatever happens; what was there before is there again, and under it
the last frame. Nothing is written as long as nothing changes.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live

from ..progress import put
from .frame import frame, summary
from .view import View

LEFT = 130
"""The exit code of who leaves before the run has ended, as a shell has it for Ctrl-C."""
SECONDS = 0.5
LOG_SECONDS = 5.0


def watch(folder: Path, once: bool = False, stay: bool = False) -> int:
    """Shows the run in a folder. Returns the run's own exit code when it has ended, `LEFT` where somebody left before.

    `stay`: until somebody leaves. A run that has ended may go on.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    view = View(folder)
    try:
        if once:
            _print(console, view, 200)
        elif sys.stdout.isatty() and os.environ.get("TERM") not in (None, "", "dumb", "unknown"):
            _follow(console, view, stay)
            _print(console, view, console.height - 1)
        else:
            _log(console, view, stay)
        return view.code
    except KeyboardInterrupt:
        put(f"left {folder.name} at step {view.step:,}\n", sys.stdout)
        return LEFT
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        put("", sys.stdout)  # whoever looked has gone away
        return LEFT
    finally:
        view.close()


def _print(console: Console, view: View, height: int) -> None:
    for line in frame(view, console.width, height):
        console.print(line, soft_wrap=True)


def _follow(console: Console, view: View, stay: bool) -> None:
    """Redraws until the run has ended, or on and on. Raises KeyboardInterrupt where somebody leaves."""
    shown: tuple[object, ...] = ()
    with _keys() as key, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            view.refresh()
            width, height = _measure(console)
            lines = frame(view, width, height)
            if (now := (width, height, *(line.plain for line in lines))) != shown:
                live.update(Group(*lines), refresh=True)
                shown = now
            if view.ended and not stay:
                return
            if key() in (b"q", b"Q", b"\x03", b""):  # nothing: the terminal is gone
                raise KeyboardInterrupt


def _measure(console: Console) -> ConsoleDimensions:
    """The window's size as it is now, whatever COLUMNS and LINES have been since some other program set them."""
    size = os.get_terminal_size(sys.stdout.fileno())
    if size.columns and size.lines:  # a terminal without a size says 0
        console.size = ConsoleDimensions(*size)
    return console.size


def _log(console: Console, view: View, stay: bool) -> None:
    """A line every few seconds, the last one when the run has ended."""
    while True:
        sys.stdout.write(summary(view) + "\n")
        sys.stdout.flush()
        if view.ended and not stay:
            return
        ends = time.monotonic() + LOG_SECONDS
        while time.monotonic() < ends and (stay or not view.ended):
            time.sleep(SECONDS)
            view.refresh()


@contextmanager
def _keys() -> Iterator[Callable[[], bytes | None]]:
    """A function that waits a while for a key and gives it; keys are not echoed. Suspending would leave a broken terminal."""
    if not sys.stdin.isatty():
        yield lambda: time.sleep(SECONDS)
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    suspends = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        tty.setcbreak(terminal)
        yield lambda: os.read(terminal, 1) if select.select([terminal], [], [], SECONDS)[0] else None
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTSTP, suspends)
