"""One tree out of layers. In: located trees, the lower ones first. Out: their merger: mappings merge, lists
replace, null deletes. Each value of the result is a node of one of the layers and so keeps its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ..contract.record import dataclass
from ..source import Node, Span


@dataclass(frozen=True)
class Layer:
    """One contribution to a spec. `by` is the place that brought it in: the `extends` entry of a base
    file."""

    name: str  # "default", "specs/d8_depth.yaml", "profile smoke", "--set a.b=1"
    kind: Literal["default", "file", "profile", "override"]
    tree: Node
    by: Span | None = None


def merge(below: Node, above: Node, kind: str = "file") -> Node:
    """`above` over `below`. A mapping in both keeps the place in the upper file, but a profile or an override
    only adds to it. An override's mapping over a list replaces the items that its keys count."""
    if kind == "override" and isinstance(below.value, tuple) and isinstance(above.value, dict):
        known = all(below.child(key) is not None for key in above.value)
        return _with_items(below, below.value, above.value) if known else above
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        # Of a mapping over something that could not be read, nobody knows what is missing.
        return replace(above, broken=True) if below.broken and isinstance(above.value, dict) else above
    merged = dict(below.value)
    for key, node in above.value.items():
        if is_null(node) and key in merged:
            del merged[key]
        else:  # a null that takes nothing away stays for now: it may be a slip
            merged[key] = merge(merged[key], node, kind) if key in merged else node
    return replace(above if kind == "file" else below, value=merged, broken=below.broken or above.broken)


def _with_items(below: Node, items: tuple[Node, ...], above: dict[str, Node]) -> Node:
    changed = {int(key): node for key, node in above.items()}
    made = (merge(node, changed[i], "override") if i in changed else node for i, node in enumerate(items))
    return replace(below, value=tuple(made))


def fill(node: Node, defaults: Node) -> Node:
    """The tree with defaults put in where it has nothing; those of list items are kept under their index."""
    if not isinstance(defaults.value, dict):
        return node
    if isinstance(node.value, tuple):
        items = enumerate(node.value)
        return node.holding(tuple(fill(item, defaults.value.get(str(i), node)) for i, item in items))
    if not isinstance(node.value, dict):
        return node
    filled = {key: fill(child, defaults.value[key]) if key in defaults.value else child
              for key, child in node.value.items()}  # fmt: skip
    missing = {key: child for key, child in defaults.value.items() if key not in filled}
    return node.holding(filled | missing)


def without(node: Node, keys: tuple[str, ...]) -> Node:
    """A mapping less some of its keys."""
    assert isinstance(node.value, dict)
    return replace(node, value={key: child for key, child in node.value.items() if key not in keys})


def is_null(node: Node) -> bool:
    return node.value is None and not node.broken
