"""A spec whose bases, or whose own text, could not be read in full. In: what is there of it. Out: a whole spec that stands in
for it, made of that and of what `expc init` writes for its family; and which of its values are certain all the same.

Certain is what the spec itself states, in the profile at hand, as a single value or a list: nothing that could not be read
comes after it. Of a mapping, other keys may have been given.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from .. import templates
from .families import FAMILIES
from .frontend.interpolate import refers
from .frontend.merge import Layer, fill, without
from .frontend.parse import parse
from .frontend.remarks import KEY as NOTES
from .frontend.resolve import Resolved
from .frontend.shapes import Shapes
from .source import Node, SourceFile

FOLDER = Path(templates.__file__).parent / "init"
SPARE = ("extends", "profiles", "expect", "milestones", "guards", "notes", "scenarios", "claims", "series", "resume", "report")
"""What a first spec has and need not have; of these, only what the spec at hand says is looked at."""
LENGTHS = ("steps", "epochs")  # one of them
MANY = 100  # errors of a family that is hardly the one


def is_certain(resolved: Resolved, path: tuple[str, ...]) -> bool:
    """Whether the value at a path is known, though not everything could be read."""
    node, listed = resolved.node(path), any(_is_list(resolved, path[:depth]) for depth in range(1, len(path)))
    if node is None or not path or isinstance(node.value, dict) and not listed:
        return False
    own = resolved.layers(path)[-1].layer.tree if resolved.states(path) else None
    return own is not None and not _holds_doubt(node) and not refers(own.find(path if path[0] != NOTES else path[:1])[0])


def completed(resolved: Resolved, shapes: Shapes) -> Resolved | None:
    """The spec with a first spec of its family below it; None where no family is near."""
    named = resolved.value("model.family")
    names = [named] if isinstance(named, str) and named in FAMILIES else [*FAMILIES]
    made = [one for name in names if (one := _over(resolved, name)) is not None]
    return min(made, key=lambda one: _misfits(one, shapes), default=None)


def _over(resolved: Resolved, family: str) -> Resolved | None:
    path = FOLDER / f"{family}.yaml"
    first = parse(SourceFile(path, path.name, path.read_text(encoding="utf-8")))[0] if path.is_file() else None
    if first is None:
        return None
    spare = LENGTHS if any(resolved.node(name) for name in LENGTHS) else ()
    below = _placed(without(first, (*SPARE, *spare)), resolved)
    return replace(resolved, tree=_sound(fill(resolved.tree, below)), complete=True,
                   stack=(Layer("default", "default", below), *resolved.stack))


def _misfits(resolved: Resolved, shapes: Shapes) -> int:
    return sum(1 for _ in islice(shapes.validator.iter_errors(resolved.plain()), MANY))


def _is_list(resolved: Resolved, path: tuple[str, ...]) -> bool:
    node = resolved.node(path)
    return node is not None and isinstance(node.value, tuple)


def _holds_doubt(node: Node) -> bool:
    return node.broken or any(map(_holds_doubt, node.inside))


def _sound(node: Node) -> Node:
    """The tree with no mapping or list taken for half read; single values that could not be read stay marked."""
    if isinstance(node.value, dict):
        return replace(node, value={key: _sound(one) for key, one in node.value.items()}, broken=False)
    return replace(node, value=tuple(map(_sound, node.value)), broken=False) if isinstance(node.value, tuple) else node


def _placed(node: Node, resolved: Resolved) -> Node:
    """Values that nobody wrote, at the beginning of the spec, where nothing is."""
    inside: dict[str, Node] | tuple[Node, ...] | None = None
    if isinstance(node.value, dict):
        inside = {key: _placed(one, resolved) for key, one in node.value.items()}
    elif isinstance(node.value, tuple):
        inside = tuple(_placed(one, resolved) for one in node.value)
    return Node(node.value if inside is None else inside, resolved.spec.span(0, 0))
