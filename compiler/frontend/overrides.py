"""`--set optimizer.matrix_lr=0.01` as layers. In: the command line's words. Out: one layer each, whose places
lie in a pseudo-file, so that a mistake in an override is shown with a caret like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..diagnostics import Diagnostic, quote
from ..source import Node, SourceFile, Span
from .compose import MAX_DEPTH
from .extends import RESERVED
from .merge import Layer
from .parse import parse, unprintable
from .scalars import NumberError, scalar

HELP = "write --set key.path=value"


def read_overrides(words: Sequence[str]) -> tuple[list[Layer], list[Diagnostic]]:
    """Values are YAML 1.2 scalars, or lists and mappings in brackets; an empty value is null and deletes."""
    file = SourceFile(Path("--set"), "--set", "\n".join(words))
    layers: list[Layer] = []
    found: list[Diagnostic] = []
    start = 0
    for word in words:
        tree, problems = _read(file, start, word)
        found += problems
        if tree is not None:
            layers.append(Layer(f"--set {word}", "override", tree))
        start += len(word) + 1
    return layers, found


def _read(file: SourceFile, start: int, word: str) -> tuple[Node | None, list[Diagnostic]]:
    key, equals, text = word.partition("=")
    whole = file.span(start, start + max(len(word), 1))
    path = _path(word)
    if odd := unprintable(file, start, start + len(word)):
        return None, odd
    if not equals or not all(path):
        return None, [Diagnostic("E206", f"{quote(word)} is not an override", whole, HELP)]
    if path[0] in RESERVED:
        message = f"{path[0]} cannot be overridden"
        return None, [
            Diagnostic("E206", message, whole, "change the spec, or choose a profile with --profile")
        ]
    if len(path) > MAX_DEPTH:
        return None, [Diagnostic("E024", f"a key of more than {MAX_DEPTH} parts", whole)]
    node, found = _value(file, start + len(key) + 1, text)
    spans = _segments(file, start + len(key) - len(key.lstrip()), path)
    for segment, place in zip(reversed(path), reversed(spans), strict=True):
        node = Node({segment: Node(node.value, node.span, place, node.broken)}, place)
    return node, found


def _value(file: SourceFile, start: int, text: str) -> tuple[Node, list[Diagnostic]]:
    place = file.span(start, start + len(text))
    if text.lstrip()[:1] not in ("[", "{", '"', "'"):
        try:
            return Node(scalar(text.strip()), place), []
        except NumberError as error:
            return Node(None, place, broken=True), [
                Diagnostic("E027", f"{quote(text.strip())} {error}", place)
            ]
    around = "".join(char if char in "\r\n" else " " for char in file.text)
    node, found = parse(file, around[:start] + text)
    return node if node is not None else Node(None, place, broken=True), found


def _segments(file: SourceFile, start: int, path: Sequence[str]) -> list[Span]:
    spans = []
    for segment in path:
        spans.append(file.span(start, start + len(segment)))
        start += len(segment) + 1
    return spans


def misfit(tree: Node, layer: Layer) -> Diagnostic | None:
    """Why an override cannot be laid over the tree: its key names an item that a list does not have."""
    path = _path(layer.name.removeprefix("--set "))
    within, depth = tree.find(path)
    if depth == len(path) or not isinstance(within.value, tuple):
        return None
    count = len(within.value)
    have = f"its items are 0 to {count - 1}" if count else "it is empty"
    message = f"the list {'.'.join(path[:depth])} has no item {quote(path[depth])}"
    return Diagnostic("E207", message, layer.tree.find(path[: depth + 1])[0].key, have)


def _path(word: str) -> list[str]:
    return word.partition("=")[0].strip().split(".")
