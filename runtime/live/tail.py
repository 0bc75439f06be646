"""A JSONL file that another process appends to, read as it grows: the objects of its new whole lines come out.

When a run resumes, its journal is replaced by a shorter one: then reading begins anew, and says so. A large journal is not
read whole at first: places spread evenly over it, every line that holds a word asked for, and its end are enough to show it.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

LARGE = 4_000_000
"""Bytes above which a journal is read in samples at first."""
PIECE = 16_000_000
"""Bytes that are held at a time."""
SAMPLES = 1000
END = 500_000
"""Bytes of a large journal's end that are read whole: the last thousand lines or so."""


def last_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects at the end of a JSONL file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - END))
            data = file.read(END)
    except OSError:
        return
    yield from _objects(data)


class Tail:
    """Reads one file. `restarted` says whether the lines last given begin anew."""

    restarted = True

    def __init__(self, path: Path, every: bytes, samples: bool = True) -> None:
        """`every` is what lines hold of which none may be missed where a large file is read in samples."""
        self.path, self._every, self._samples = path, every, samples
        self._file: BinaryIO | None = None
        self._torn = b""

    def read(self) -> Iterator[dict[str, Any]]:
        """What has come since the last call; everything, or samples of it, where the file is new or has been replaced."""
        self.restarted = self._reopened()
        return self._new(self._file) if self._file else iter(())

    def _new(self, file: BinaryIO) -> Iterator[dict[str, Any]]:
        size = os.fstat(file.fileno()).st_size
        if self.restarted and self._samples and size > LARGE:
            yield from self._sampled(file, size)
        while data := file.read(PIECE):
            whole, newline, self._torn = (self._torn + data).rpartition(b"\n")
            yield from _objects(whole + newline)

    def close(self) -> None:
        """Lets go of the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _reopened(self) -> bool:
        """The open file keeps its inode number from being given to the one that replaces it."""
        try:
            now = os.stat(self.path)
        except OSError:
            return False
        if self._file:
            ours = os.fstat(self._file.fileno())
            if (ours.st_dev, ours.st_ino) == (now.st_dev, now.st_ino) and now.st_size >= self._file.tell():
                return False
        self.close()
        try:
            self._file = self.path.open("rb")
        except OSError:
            return False
        self._torn = b""
        return True

    def _sampled(self, file: BinaryIO, size: int) -> Iterator[dict[str, Any]]:
        """Lines from before the file's end, in their order; the file stands where its end begins afterwards."""
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
            end = data.rfind(b"\n", 0, size - END) + 1
            places = {data.rfind(b"\n", 0, end * index // SAMPLES) + 1 for index in range(SAMPLES)}
            place = data.find(self._every, 0, end)
            while place >= 0:
                places.add(data.rfind(b"\n", 0, place) + 1)
                place = data.find(self._every, place + 1, end)
            found = [data[start:data.find(b"\n", start) + 1] for start in sorted(places)]
        file.seek(end)
        yield from _objects(b"".join(found))


def _objects(data: bytes) -> Iterator[dict[str, Any]]:
    """The objects of whole lines; what is no JSON object is passed over."""
    for line in data.split(b"\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
