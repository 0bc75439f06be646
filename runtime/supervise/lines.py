"""Bytes of a running program to lines: cut at line feeds and carriage returns, bounded, without colours."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

LONGEST = 65_536
"""Bytes of one line that are looked at; what is beyond them is passed over."""
KEPT = 20
"""Lines that an error message can quote."""
QUOTED = 300
"""Characters of a quoted line."""

_END = re.compile(rb"[\r\n]")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Lines:
    """Cuts a stream into lines as it comes; `last` holds the newest ones that say something."""

    def __init__(self) -> None:
        self.last: deque[str] = deque(maxlen=KEPT)
        self._open = bytearray()

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that `data` completes."""
        *whole, rest = _END.split(data)
        for piece in whole:
            yield from self._close(piece)
        self._grow(rest)

    def end(self) -> Iterator[str]:
        """The line that nothing has ended, if there is one."""
        yield from self._close(b"")

    def _grow(self, piece: bytes) -> None:
        self._open += piece[: LONGEST - len(self._open)]

    def _close(self, piece: bytes) -> Iterator[str]:
        self._grow(piece)
        line = _COLOUR.sub("", self._open.decode(errors="replace"))
        self._open.clear()
        if line.strip():
            self.last.append(line[:QUOTED])
            yield line
