"""Words for what a schema asks for. In: its types and constants. Out: "a mapping", "true", "a, b or c"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

TYPES: dict[str, tuple[str, Any]] = {
    "object": ("a mapping", dict),
    "array": ("a list", list),
    "string": ("text", str),
    "integer": ("an integer", int),
    "number": ("a number", (int, float)),
    "boolean": ("true or false", bool),
    "null": ("nothing (null)", type(None)),
}
SOMETHING = "something else"  # what a schema expects that does not say


def written(value: object) -> str:
    """A constant of a schema as YAML writes it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def either(words: Iterator[str] | Sequence[str]) -> str:
    """ "a, b or c", each once."""
    names = list(dict.fromkeys(words))
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
