"""Nulls that had nothing to take away. In: a merged tree and the schema. Out: the tree without them; a null under a name that
the vocabulary does not have there stays, so that the schema finds the slip."""

from __future__ import annotations

from typing import Any

from ..source import Node
from .merge import is_null
from .shapes import Shapes


def without_nulls(tree: Node, shapes: Shapes | None) -> Node:
    """A key with null counts as not written, wherever there may be such a key."""
    return _without(tree, shapes, shapes.schema if shapes else {}) if _has_null(tree) else tree


def _has_null(node: Node) -> bool:
    return any(map(is_null, node.inside)) or any(map(_has_null, node.inside))


def _without(node: Node, shapes: Shapes | None, schema: Any) -> Node:
    if not isinstance(node.value, dict | tuple):
        return node
    below = dict(shapes.children(schema, node.plain())) if shapes else {}
    if isinstance(node.value, tuple):
        return node.holding(tuple(_without(item, shapes, below.get(str(i), {})) for i, item in enumerate(node.value)))
    unknown = _unknown(shapes, schema, node) if shapes else set()
    kept = {key: child for key, child in node.value.items() if not is_null(child) or key in unknown}
    return node.holding({key: _without(child, shapes, below.get(key, {})) for key, child in kept.items()})


def _unknown(shapes: Shapes, schema: Any, node: Node) -> set[str]:
    """The keys of a mapping that it cannot have: none where its keys are the user's to name."""
    assert isinstance(node.value, dict)
    parts = shapes.applicable(schema, node.plain())
    if not any(part.get("additionalProperties") is False for part in parts):
        return set()
    return set(node.value) - set(shapes.properties(schema, node.plain()))
