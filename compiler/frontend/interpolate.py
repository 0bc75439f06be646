"""`${key.path}` in strings. In: the merged tree with its defaults. Out: the tree with references replaced by
the values that they name (a string that is nothing else keeps the value's type), and diagnostics for unknown
keys, circles and references to whole sections. `$${` stands for `${`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from ..diagnostics import MAX_FOUND, Diagnostic, listing, nearest, quote, too_many
from ..source import Node, Span
from .compose import MAX_DEPTH

REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
MAX_LENGTH = 65_536  # of one text
MAX_GROWTH = 4_000_000  # of all texts with references
LITERAL = "to keep the text as it stands, write $${"

Path = tuple[str, ...]


def interpolate(root: Node, *, complete: bool = True) -> tuple[Node, list[Diagnostic]]:
    """Of a tree that is not complete (a base could not be read), unknown keys are not reported."""
    work = _Interpolation(root, complete)
    return work.walk(root, ()) if refers(root) else root, work.found


def refers(node: Node) -> bool:
    """Whether a text in a tree holds a reference."""
    return any(map(refers, node.inside)) or isinstance(node.value, str) and "${" in node.value


class _Interpolation:
    def __init__(self, root: Node, complete: bool) -> None:
        self.root = root
        self.complete = complete
        self.done: dict[Path, Node] = {}
        self.open: list[Path] = []
        self.found: list[Diagnostic] = []
        self.grown = 0

    def walk(self, node: Node, path: Path) -> Node:
        if isinstance(node.value, dict):
            return node.holding({key: self.walk(child, (*path, key)) if refers(child) else child
                                 for key, child in node.value.items()})
        if isinstance(node.value, tuple):
            return node.holding(tuple(self.walk(one, (*path, str(i))) for i, one in enumerate(node.value)))
        return self.expand(node, path)

    def expand(self, node: Node, path: Path) -> Node:
        if not isinstance(node.value, str) or "${" not in node.value:
            return node
        if path not in self.done:
            self.open.append(path)
            self.done[path] = self._text(node, node.value)
            self.open.pop()
        return self.done[path]

    def _text(self, node: Node, text: str) -> Node:
        pieces: list[str] = []
        end = length = 0
        broken = False
        for match in REFERENCE.finditer(text):
            value = self._one(node, match)
            if match[0] == text and match[1] is not None:
                return replace(node, value=value.value, broken=value.broken)
            broken = broken or value.broken
            pieces += [text[end : match.start()], _written(value)]
            end = match.end()
            length += len(pieces[-2]) + len(pieces[-1])
            if length > MAX_LENGTH or len(self.found) > MAX_FOUND:
                break
        self.grown += length
        if broken:
            return replace(node, value=None, broken=True)
        if length > MAX_LENGTH:
            return self._refuse(node, "E210", f"the text grows beyond {MAX_LENGTH:,} characters", node.span)
        if self.grown > MAX_GROWTH:
            return self._refuse(node, "E210", f"all texts together grow beyond {MAX_GROWTH:,} characters", node.span)
        return replace(node, value="".join([*pieces, text[end:]]))

    def _one(self, node: Node, match: re.Match[str]) -> Node:
        if match[0] == "$${":
            return replace(node, value="${")
        if match[1] is None:
            message = 'a reference begins with "${" and is not closed by "}"'
            return self._refuse(node, "E210", message, _inside(node.span, match), LITERAL)
        path = tuple(match[1].strip().split("."))
        if not all(path):
            return self._refuse(node, "E210", f"{quote(match[0])} names no key", _inside(node.span, match), LITERAL)
        target, depth = self.root.find(path)
        if depth < len(path):
            return self._unknown(node, path, target, depth, match)
        if isinstance(target.value, dict | tuple):
            help_ = _children(target, path)
            message = f"{match[1].strip()} is not a single value"
            return self._refuse(node, "E210", message, _inside(node.span, match), help_)
        if path in self.open or len(self.open) > MAX_DEPTH:
            return self._circle(node, path, _inside(node.span, match))
        return self.expand(target, path)

    def _refuse(self, node: Node, code: str, message: str, place: Span, help_: str | None = None) -> Node:
        if len(self.found) < MAX_FOUND:
            self.found.append(Diagnostic(code, message, place, help_))
        elif len(self.found) == MAX_FOUND:
            self.found.append(too_many("references to keys", place))
        return replace(node, value=None, broken=True)

    def _unknown(self, node: Node, path: Path, target: Node, depth: int, match: re.Match[str]) -> Node:
        if not self.complete or target.broken:
            return replace(node, value=None, broken=True)
        names = list(target.value) if isinstance(target.value, dict) else []
        help_ = _children(target, path[:depth]) if depth else LITERAL
        near = nearest(path[depth], names)
        if near is not None:
            help_ = f"did you mean ${{{'.'.join((*path[:depth], near, *path[depth + 1 :]))}}}?"
        message = f"there is no key {quote('.'.join(path))} to refer to"
        return self._refuse(node, "E208", message, _inside(node.span, match), help_)

    def _circle(self, node: Node, path: Path, place: Span) -> Node:
        if path not in self.open:
            return self._refuse(node, "E209", f"more than {MAX_DEPTH} references lead to one another", place)
        around = [*self.open[self.open.index(path) :], path]
        message = f"references go in a circle: {' → '.join('.'.join(one) for one in around)}"
        return self._refuse(node, "E209", message, place, "give one of them a value of its own")


def _written(node: Node) -> str:
    """A value inside a longer text: as YAML would write it."""
    return node.value if isinstance(node.value, str) else json.dumps(node.value)


def _children(node: Node, path: Sequence[str]) -> str | None:
    names = list(node.value) if isinstance(node.value, dict) else []
    return f"below {'.'.join(path)} there are: {listing(names)}" if names and path else None


def _inside(span: Span, match: re.Match[str]) -> Span:
    """The place of a reference in the file: as many "${" into its string as in the value."""
    text = span.file.text
    at, end = span.file.index(span.line, span.column), span.file.index(span.end_line, span.end_column)
    for _ in range(match.string.count("${", 0, match.start()) + 1):
        at = text.find("${", at, end) + 2
        if at < 2:
            return span
    found = text.startswith(match[0], at - 2)
    return span.file.span(at - 2, at - 2 + len(match[0])) if found else span
