"""A key as people write it, and what the vocabulary says of it. In: `optimizer.matrix_lr`, `expect.0.below`,
`expect[valid_loss].below` or `eval.suites."a.b".weight`, and a spec. Out: the path of its parts, items of
lists by their index; its subschema; the key that was meant by one that nobody knows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ..diagnostics import listing, nearest, quote
from ..source import Node
from .resolve import Resolved
from .shapes import Shapes

Path = tuple[str, ...]
NAMING = ("name", "metric", "about", "spec", "of", "target")
"""The keys that tell the items of a list apart, the first of them that an item has."""

PART = re.compile(r'\.?(?:"((?:[^"\\]|\\.)*)"|\[([^\[\]]+)\]|([^."\[\]]+))')


class NoKey(ValueError):
    """A text that is no key, or names an item that a list does not have; the message says which there are."""


def path_of(key: str, tree: Node) -> Path:
    """The parts of a key. Raises `NoKey`."""
    path: list[str] = []
    at = 0
    while at < len(key):
        match = PART.match(key, at)
        if match is None or key[at] == "." and at == 0 or at > 0 and key[at] not in ".[":
            raise NoKey(f"{quote(key)} is no key; write it as optimizer.matrix_lr or expect[valid_loss].below")
        quoted, item, plain = match.groups()
        path.append(_item(item, key[:at], tree.find(path)) if item else plain or json.loads(f'"{quoted}"'))
        at = match.end()
    return tuple(path)


def _item(name: str, key: str, found: tuple[Node, int]) -> str:
    """The index of a list's item that is called by its name, or by its index."""
    items = found[0].value
    if name.isdecimal() or not isinstance(items, tuple):
        return name
    names: list[str | None] = []
    for one in map(name_of, items):  # a name that comes again is counted: valid_loss#2
        count = sum(other == one or str(other).startswith(f"{one}#") for other in names) + 1
        names.append(one if one is None or count == 1 else f"{one}#{count}")
    if name not in names:
        known = listing(one for one in names if one)
        raise NoKey(f"{key} has no item {quote(name)}" + (f"; its items are: {known}" if known else ""))
    return str(names.index(name))


def name_of(item: Node) -> str | None:
    """What an item of a list is called; None for one without a name."""
    for key in NAMING:
        if (named := item.child(key)) is not None and isinstance(named.value, str):
            return named.value.rpartition("/")[2].removesuffix(".yaml") if key == "spec" else named.value
    return None


def written(path: Sequence[str]) -> str:
    """A path as a key: names that hold a dot in quotes."""
    return ".".join(part if re.fullmatch(r'[^."\[\]]+', part) else json.dumps(part, ensure_ascii=False) for part in path)


def schema_at(shapes: Shapes, plain: Any, path: Sequence[str]) -> Any:
    """The subschema for a key of plain values, whether they have it or not; {} where the vocabulary has none."""
    schema: Any = shapes.schema
    for part in path:
        schema = shapes.child(schema, plain, part)
        if isinstance(plain, list):
            plain = plain[int(part)] if part.isdecimal() and int(part) < len(plain) else {}
        else:
            plain = plain.get(part, {}) if isinstance(plain, dict) else {}
    return schema


def description(shapes: Shapes, schema: Any, value: object) -> str | None:
    """What the vocabulary says of a key with this value."""
    said = (part.get("description") for part in shapes.applicable(schema, value))
    return next((str(one) for one in said if one), None)


def is_known(shapes: Shapes, resolved: Resolved, path: Path) -> bool:
    """Whether the vocabulary has a key, though the spec may have nothing there."""
    value = resolved.value(path[:-1])
    return path[-1] in shapes.properties(schema_at(shapes, resolved.plain(), path[:-1]), {} if value is None else value)


def meant(shapes: Shapes, resolved: Resolved, path: Path) -> str:
    """What to write instead of a key that nobody knows, or what there is around it; "" where nothing is near."""
    around, depth = resolved.tree.find(path)
    if isinstance(around.value, tuple):
        count = len(around.value)
        have = f"its items are 0 to {count - 1}" if count else "it is empty"
        return f"{written(path[:depth])} is a list, and {have}"
    if not isinstance(around.value, dict):
        return f"{written(path[:depth])} is a single value"
    here = shapes.properties(schema_at(shapes, resolved.plain(), path[:depth]), around.plain())
    known = dict.fromkeys((*here, *around.value))
    if near := nearest(path[depth], known):
        return f"did you mean {written((*path[:depth], near, *path[depth + 1:]))}?"
    if far := nearest(".".join(path), map(".".join, shapes.all_paths)):
        return f"did you mean {far}?"
    if homes := shapes.homes(path[-1], path):
        return f"did you mean {'.'.join((*homes[0], path[-1]))}?"
    return f"{written(path[:depth]) or 'a spec'} has: {listing(known)}"
