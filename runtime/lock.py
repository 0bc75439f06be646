"""One process at a time per run: an advisory lock on a file in its folder, which the kernel drops with its holder."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import MISUSED, UserError
from .files import read_json
from .journal import now

_held: list[IO[str]] = []


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def exclusive(path: Path, what: str, wait: bool = False) -> Iterator[None]:
    """Holds the lock while the block runs. Raises UserError where somebody else does (or waits for them)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = read_json(path) or {}
            who = f"process {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}"
            raise UserError(f"{what} is in use by {who}; wait for it or stop it", MISUSED) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now()}))
        file.flush()
        _held.append(file)
        try:
            yield
        finally:
            _held.remove(file)


def _let_go() -> None:
    """Closes what a forked process has inherited: a reader of samples would keep the lock of a run that was killed."""
    for file in _held:
        file.close()


os.register_at_fork(after_in_child=_let_go)
