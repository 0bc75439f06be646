"""Where text comes from and where in it a value stands. In: a file's text. Out: `SourceFile`, `Span` and
`Node`, the located tree that parsing makes and resolving merges; every value keeps its place down to
lowering."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import is_
from pathlib import Path

LINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class SourceFile:
    """A text with a name: a file of the workspace, or a pseudo-file such as the command line's `--set`."""

    path: Path
    display: str  # relative to the workspace, posix; what diagnostics print
    text: str = field(repr=False, compare=False)

    @cached_property
    def lines(self) -> list[str]:
        return LINE.split(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE.finditer(self.text))]

    def position(self, index: int) -> tuple[int, int]:
        """Line and column, both from 1 and in characters, of a character index (past the end: the end)."""
        line = bisect_right(self._starts, min(index, len(self.text)))
        return line, min(index, len(self.text)) - self._starts[line - 1] + 1

    def index(self, line: int, column: int) -> int:
        """The character index of a line and column."""
        return self._starts[line - 1] + column - 1

    def span(self, start: int, end: int) -> Span:
        """The span of the characters [start, end)."""
        return Span(self, *self.position(start), *self.position(max(start, end)))


@dataclass(frozen=True)
class Span:
    """A stretch of a file; lines and columns from 1, in characters; the end is exclusive."""

    file: SourceFile
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file.display}:{self.line}:{self.column}"

    @property
    def order(self) -> tuple[str, int, int]:
        return self.file.display, self.line, self.column


@dataclass(frozen=True)
class Node:
    """A value of a spec with its place. `broken` marks a value that was reported already: nobody complains
    twice."""

    value: dict[str, Node] | tuple[Node, ...] | str | int | float | bool | None
    span: Span
    key: Span | None = None  # place of the key that holds the value; None in lists and at the root
    broken: bool = False

    @property
    def place(self) -> Span:
        """Where to point for this value: at the key of a mapping or list, at a scalar itself."""
        return self.key if self.key is not None and isinstance(self.value, dict | tuple) else self.span

    def holding(self, value: dict[str, Node] | tuple[Node, ...]) -> Node:
        """This collection with other nodes under its keys; itself where they are the very same."""
        return self if _same(self.value, value) else Node(value, self.span, self.key, self.broken)

    @property
    def inside(self) -> Collection[Node]:
        """The values right below this one; none of a single value."""
        if isinstance(self.value, dict):
            return self.value.values()
        return self.value if isinstance(self.value, tuple) else ()

    def child(self, segment: str) -> Node | None:
        """The value under a key, or under an index written in digits."""
        if isinstance(self.value, dict):
            return self.value.get(segment)
        if isinstance(self.value, tuple) and segment.isdecimal() and segment.isascii() and len(segment) < 9:
            return self.value[int(segment)] if int(segment) < len(self.value) else None
        return None

    def find(self, path: Sequence[str]) -> tuple[Node, int]:
        """The deepest node that exists along the path, and how many of its segments lead there."""
        node, depth = self, 0
        for segment in path:
            child = node.child(segment)
            if child is None:
                break
            node, depth = child, depth + 1
        return node, depth

    def plain(self) -> object:
        """Nested dicts, lists and scalars without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def _same(left: object, right: object) -> bool:
    """Whether two collections hold the very same nodes, key by key."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(map(is_, left.values(), right.values()))
    return isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right) and all(map(is_, left, right))
