"""Plain values that a schema takes. In: a schema. Out: what it shows as examples, its options, and whole mappings of what it
requires: stand-ins for a value that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .frontend.shapes import Shapes


def examples(shapes: Shapes, schema: Any) -> Iterator[Any]:
    """Values that a schema takes: those that it shows, its options, and plain ones."""
    parts_ = shapes.applicable(schema, None)
    shown = [one for part in parts_ for one in (*part.get("examples", ()), *part.get("enum", ()), *_one(part, "const"),
                                                 *_one(part, "minimum"))]
    for value in (*shown, _mapping(shapes, schema), 1, 2, 64, "100", "10%", "1GB", "x", True, []):
        if shapes.matches(schema, value):
            yield value


def _one(part: Any, word: str) -> tuple[Any, ...]:
    return (part[word],) if word in part else ()


def _mapping(shapes: Shapes, schema: Any) -> dict[str, Any]:
    """A mapping of what a schema requires."""
    made: dict[str, Any] = {}
    for part in shapes.applicable(schema, {}):
        for name in part.get("required", ()):
            for one in shapes.properties(schema, made).get(name, [{}])[:1]:
                made[name] = next(examples(shapes, one), None)
    return made
