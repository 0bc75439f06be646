"""The defaults of a schema as the bottom layer. In: the schema and the merged tree. Out: a tree of those
defaults whose mapping exists, in the spec or by a default of its own (`default: {}`); items of lists are kept
under their index."""

from __future__ import annotations

from typing import Any

from ..source import Node, Span
from .shapes import Shapes

MAX_DEPTH = 60


def defaults(shapes: Shapes, tree: Node) -> Node:
    """Every default that applies to the tree, also where the tree has a value of its own."""
    return _of(shapes, shapes.schema, tree.plain(), tree, tree.place, 0)


def _of(shapes: Shapes, schema: Any, value: Any, node: Node | None, place: Span, depth: int) -> Node:
    made: dict[str, Node] = {}
    if depth > MAX_DEPTH:
        return Node(made, place)
    if isinstance(value, dict):
        own = _own(shapes, schema, value)
        made = {name: located(default, place) for name, default in own.items()}
        value = value | {name: default for name, default in own.items() if name not in value}
    for key, child in shapes.children(schema, value):
        if isinstance(below := _value(value, key), dict | list) and shapes.may_default(child):
            inner = node.child(key) if node else None
            deeper = _of(shapes, child, below, inner, inner.place if inner else place, depth + 1)
            if deeper.value:
                made[key] = _over(made.get(key), deeper)
    return Node(made, place)


def _own(shapes: Shapes, schema: Any, value: dict[str, Any]) -> dict[str, Any]:
    """The defaults of a mapping's keys; a later one may depend on an earlier one through an `if`."""
    found: dict[str, Any] = {}
    for _ in range(3):
        before = len(found)
        for part in shapes.applicable(schema, {**found, **value}):
            for name, default in shapes.defaults(part).items():
                found.setdefault(name, default)
        if len(found) == before or not shapes.depends(schema):
            break
    return found


def _over(node: Node | None, deeper: Node) -> Node:
    """The defaults inside of a default mapping, below those that the mapping itself states."""
    if node is None or not isinstance(node.value, dict) or not isinstance(deeper.value, dict):
        return deeper if node is None else node
    return Node({**deeper.value, **node.value}, node.span)


def _value(value: Any, key: str) -> Any:
    return value[int(key)] if isinstance(value, list) else value[key]


def located(value: Any, place: Span) -> Node:
    """A plain value as a node; a default has no place of its own and takes that of the mapping it falls
    into."""
    if isinstance(value, dict):
        return Node({key: located(one, place) for key, one in value.items()}, place)
    if isinstance(value, list):
        return Node(tuple(located(one, place) for one in value), place)
    return Node(value, place)
