"""All processes that a program has started, also those that have left its group: who is alive of them, and their end.

torchrun gives each of its workers a session of its own; a signal to its group does not reach them, and they outlive one that
is killed. So this process adopts what loses its parent (Linux: PR_SET_CHILD_SUBREAPER), and knows them all by their ancestors.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""
GONE = "ZX"
"""States of a process that is a mere entry waiting for its parent to look at it."""


class Offspring:
    """The processes of one program, which leads the group `group` and is a child of this process."""

    def __init__(self) -> None:
        self._others = {pid for pid, (parent, _, _) in _table().items() if parent == os.getpid()}
        """Children of this process that are none of the program's."""
        self.group: int | None = None

    def alive(self) -> set[int]:
        """Their numbers; those that have ended are let go."""
        table = _table()
        found = {pid for pid, (parent, group, _) in table.items()
                 if group == self.group or (parent == os.getpid() and pid not in self._others)} if self.group else set()
        while more := {pid for pid, (parent, _, _) in table.items() if parent in found} - found:
            found |= more
        for pid in found - {self.group}:
            if table[pid][2] in GONE and table[pid][0] == os.getpid():
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return {pid for pid in found if table[pid][2] not in GONE}

    def send(self, number: int) -> None:
        """A signal to each of them."""
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


@contextmanager
def adopting() -> Iterator[None]:
    """While entered, what loses its parent below this process becomes its child, where the system knows of such a thing."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl:
        prctl(SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        if prctl:
            prctl(SUBREAPER, 0, 0, 0, 0)


def is_alive(group: int) -> bool:
    """Whether a process group has a member that is not a mere entry."""
    return any(its == group and state not in GONE for _, its, state in _table().values())


def _table() -> dict[int, tuple[int, int, str]]:
    """Parent, group and state of every process, by its number."""
    found = {}
    for path in glob.iglob("/proc/[0-9]*/stat"):
        try:
            state, parent, group = Path(path).read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        found[int(path.split("/")[2])] = (int(parent), int(group), state)
    return found
