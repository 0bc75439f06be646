"""The `notes` of a spec, gathered over its layers. In: located trees, the lower ones first. Out: the notes that stand.

A note comes along with the value that it explains: it goes where an upper layer has another note about the same key, or
states what it is about, or anything below that, anew. `notes: []` takes all of those below away.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..source import Node

KEY = "notes"


def gathered(tree: Node, layers: Iterable[Node]) -> Node:
    """The merged tree with the notes of all layers in place of those of the uppermost."""
    kept: list[Node] = []
    for layer in layers:
        own = layer.child(KEY)
        if own is not None and not isinstance(own.value, tuple):
            return tree  # a mistake, or a null
        said = own.value if own is not None and isinstance(own.value, tuple) else ()
        names = {_about(one) for one in said} - {None}
        kept = [] if own is not None and not said else [
            one for one in kept if _about(one) not in names and not _states(layer, _about(one))]
        kept += said
    return _with(tree, tuple(kept))


def standing(tree: Node, override: Node) -> Node:
    """The tree without the notes about what an override states; itself where the override is about the notes."""
    notes = tree.child(KEY)
    if override.child(KEY) is not None or notes is None or not isinstance(notes.value, tuple):
        return tree
    return _with(tree, tuple(one for one in notes.value if not _states(override, _about(one))))


def _with(tree: Node, notes: tuple[Node, ...]) -> Node:
    held = tree.child(KEY)
    if held is None or not isinstance(tree.value, dict):
        return tree
    return tree.holding(tree.value | {KEY: held.holding(notes)})


def _about(note: Node) -> str | None:
    about = note.child("about")
    return about.value if about is not None and isinstance(about.value, str) else None


def _states(layer: Node, about: str | None) -> bool:
    """Whether a layer says something at a key or below it, or takes away or replaces what holds the key."""
    if about is None:
        return False
    path = about.split(".")
    node, depth = layer.find(path)
    return depth == len(path) or not isinstance(node.value, dict)
