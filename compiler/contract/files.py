"""Files that are whole or not there. In: a path and its content. Out: the file with its old content or with the new one,
never a part of it, also after a crash, a full disk or a power loss: written beside it, synced, renamed."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

PART = ".part"
"""How the names of files end that are still being written. They begin with a dot."""


def write_atomic(path: Path, content: bytes | str, mode: int = 0o644, durable: bool = True) -> None:
    """Writes the file whole, and its folder where there is none; `durable` waits for the disk. Raises OSError, which names
    `path`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content.encode() if isinstance(content, str) else content, mode, durable)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _replace(path: Path, data: bytes, mode: int, durable: bool) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            if durable:
                file.flush()
                os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        sync(path.parent)


def sync(path: Path) -> None:
    """Makes a file's content, or the renames in a folder, survive a power loss."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_parts(folder: Path) -> None:
    """Deletes what killed processes left half-written right in a folder."""
    for path in folder.glob(f".*{PART}"):
        with suppress(OSError):
            path.unlink()
