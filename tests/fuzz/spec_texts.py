"""Specs as text: a tree in, YAML that says exactly this tree out, whatever its strings hold; and a spec's own tree."""

from __future__ import annotations

import json
from typing import Any

from expc.compiler.frontend.parse import parse
from tests.compiler.specs import source

Place = tuple[str | int, ...]


def written(tree: Any) -> str:
    """A tree in YAML's flow style. Strings are double-quoted, with an escape for each character that does not print."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{quoted(str(key))}: {written(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(written, tree)) + "]"
    return quoted(tree) if isinstance(tree, str) else json.dumps(tree)


def lines(tree: dict[str, Any]) -> str:
    """The same with one top-level section a line, as people lay specs out."""
    return "".join(f"{quoted(str(key))}: {written(value)}\n" for key, value in tree.items())


def quoted(text: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(escapes.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


def tree_of(text: str) -> Any:
    """The tree of a spec that can be read."""
    node, found = parse(source(text))
    assert node is not None and not found
    return node.plain()


def places(tree: Any, path: Place = ()) -> list[Place]:
    """The paths of all values of a tree, its own first."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


def at(tree: Any, path: Place) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def changed(tree: Any, path: Place, value: Any) -> Any:
    """The tree with another value at a path; the tree itself stays."""
    if not path:
        return value
    if isinstance(tree, dict):
        return {key: changed(item, path[1:], value) if key == path[0] else item for key, item in tree.items()}
    return [changed(item, path[1:], value) if index == path[0] else item for index, item in enumerate(tree)]
