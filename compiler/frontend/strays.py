"""Sections that the family closes, of a spec whose family is not known: it is misspelt, or stands in a base that could not be
read. In: the spec's plain values and the schema. Out: keys that no family has there, and values that none would take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .shapes import Path, Shapes


def strays(shapes: Shapes, plain: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """(path, None) of a key that no family knows; (path, schema of a whole spec) of a value that no family takes."""
    for name, schema in shapes.children(shapes.schema, plain):
        value = plain[name]
        known = any(path[:1] == (name,) and len(path) == 2 for path in shapes.all_paths)
        closed = any("additionalProperties" in part for part in shapes.applicable(schema, value))
        if isinstance(value, dict) and known and not closed:
            yield from _inside(shapes, value, (name,))


def _inside(shapes: Shapes, mapping: dict[str, Any], parent: Path) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    for key, value in mapping.items():
        path = (*parent, key)
        if not shapes.knows(path):
            yield path, None
        elif isinstance(value, dict) and any(one[:-1] == path for one in shapes.all_paths):
            yield from _inside(shapes, value, path)
        elif (options := _options(shapes, path)) and not any(shapes.matches(one, value) for one in options):
            whole: dict[str, Any] = options[0]
            for name in reversed(path):
                whole = {"properties": {name: whole}}
            yield path, whole


def _options(shapes: Shapes, path: Path) -> list[Any]:
    """What the families say of the value at a path, each of them."""
    families = [part["then"] for part in shapes.schema.get("allOf", ()) if isinstance(part.get("then"), Mapping)]
    found = []
    for one in families:
        for name in path:
            one = shapes.target(one).get("properties", {}).get(name)
        if isinstance(one, Mapping):
            found.append(one)
    return found


def keys_of(shapes: Shapes, parent: Path) -> list[str]:
    """The keys that any family has at a place."""
    return list(dict.fromkeys(one[-1] for one in shapes.all_paths if one[:-1] == parent))
