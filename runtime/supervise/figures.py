"""Figures out of a program's lines and files: readers and lines in, `Figure` values out.

A line that does not fit, or a value that is no number, gives nothing: a missing figure is missing, never zero.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expc.compiler.contract.quantities import NotAQuantity, parse
from expc.compiler.contract.watching import OUTPUT, Reader

LOOKED_AT = 8_192
"""Characters of a line that patterns are tried on."""


@dataclass(frozen=True)
class Figure:
    """What one line said: the step (updates taken; None where the line has none), the kind, and the figures by name."""

    step: int | None
    kind: str
    values: dict[str, float]


def number(value: Any) -> float | None:
    """A figure in base units: a number (`1,234`, `nan`), a share (`83%`), a size or a time with its unit; None for others."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value.replace(",", "").replace("_", "") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        pass
    for kind in ("fraction", "size", "time"):
        try:
            return parse(value, kind)
        except NotAQuantity:
            continue
    return None


def read(reader: Reader, line: str) -> Figure | None:
    """What a reader finds in one line of the source that it reads."""
    found = _matched(reader.line, line) if reader.line is not None else _looked_up(reader.names, line)
    values = {name: value for name, one in found.items() if (value := number(one)) is not None}
    step = values.pop("step", None)
    if step is not None and not (math.isfinite(step) and step >= 0):
        return None
    return Figure(None if step is None else int(step) + 1 - reader.counts_from, reader.kind, values) if values else None


def _matched(pattern: str, line: str) -> dict[str, Any]:
    found = re.search(pattern, line[:LOOKED_AT])
    return found.groupdict() if found else {}


def _looked_up(names: dict[str, str], line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return {ours: _at(value, theirs) for ours, theirs in names.items()}


def _at(value: Any, name: str) -> Any:
    """`a.b` as a key of that name, or as `b` inside of `a`."""
    if not isinstance(value, dict):
        return None
    if name in value:
        return value[name]
    head, _, rest = name.partition(".")
    return _at(value.get(head), rest) if rest else None


@dataclass
class Follower:
    """The lines that a growing file gains; one that was cut or replaced is read from its beginning again."""

    path: Path
    place: int = 0
    torn: bytes = b""

    def lines(self) -> Iterator[str]:
        """Whole lines since the last call."""
        try:
            if self.path.stat().st_size < self.place:
                self.place, self.torn = 0, b""
            with self.path.open("rb") as file:
                file.seek(self.place)
                data = file.read()
        except OSError:
            return
        self.place += len(data)
        *whole, self.torn = (self.torn + data).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")


@dataclass
class Figures:
    """All readers of a program over its output and its files; `take` gets every figure that is new, `step` is the last one."""

    readers: tuple[Reader, ...]
    resolve: Callable[[str], Path]
    take: Callable[[int, str, dict[str, float]], None]
    step: int = 0
    again: Callable[[str], None] = lambda kind: None
    """Called with the kind of a figure that only repeats the one before it, as a progress bar does."""
    count: int = 0
    """Figures taken so far."""
    _last: dict[int, tuple[int, Figure]] = field(default_factory=dict)
    _followers: list[tuple[int, Follower]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for index, reader in enumerate(self.readers):
            if reader.json not in (None, OUTPUT):
                path = self.resolve(str(reader.json))
                self._followers.append((index, Follower(path, path.stat().st_size if path.is_file() else 0)))

    def line(self, line: str) -> None:
        """A line of the output."""
        for index, reader in enumerate(self.readers):
            if reader.json in (None, OUTPUT):
                self._offer(index, line)

    def files(self) -> None:
        """What the files have gained."""
        for index, follower in self._followers:
            for line in follower.lines():
                self._offer(index, line)

    def _offer(self, index: int, line: str) -> None:
        figure = read(self.readers[index], line)
        if figure is None:
            return
        step = self.step if figure.step is None else figure.step
        if (step, figure) == self._last.get(index):  # a progress bar is drawn many times a step
            self.again(figure.kind)
            return
        self._last[index], self.step = (step, figure), step
        self.count += 1
        self.take(self.step, figure.kind, figure.values)
