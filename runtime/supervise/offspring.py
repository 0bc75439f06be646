"""All processes that a program has started, also those that have left its group: who is alive of them, and their end.

torchrun gives each of its workers a session of its own; a signal to its group does not reach them, and they outlive one that
is killed. So this process adopts what loses its parent (Linux: PR_SET_CHILD_SUBREAPER), and knows them all by their ancestors.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..processes import ENDED, fields

SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""


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
            if table[pid][2] in ENDED and table[pid][0] == os.getpid():
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return {pid for pid in found if table[pid][2] not in ENDED}

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
    return any(its == group and state not in ENDED for _, its, state in _table().values())


def _table() -> dict[int, tuple[int, int, str]]:
    """Parent, group and state of every process, by its number."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        if said := fields(path.name):  # else it has ended meanwhile
            found[int(path.name)] = (int(said[1]), int(said[2]), said[0])
    return found
