"""What is wrong with one value. In: an error of jsonschema about a type, an option, a range, a form or a
count. Out: its code, message, help and place. One short function for each keyword of the schema language,
listed in `VALUES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..diagnostics import listing, nearest, quote
from ..source import Node
from .extends import described
from .hints import form, rewritten
from .resolve import Resolved
from .schema_words import written
from .shapes import Shapes

Path = tuple[str, ...]
Finding = tuple[str, str, str | None, Path]  # code, message, help, path


def name_of(path: Path) -> str:
    return ".".join(path) or "the spec"


def _found(resolved: Resolved, path: Path) -> tuple[Node, str]:
    node = resolved.node(path)
    assert node is not None
    return node, described(node)


def expected_instead(shapes: Shapes, resolved: Resolved, path: Path, error: Any) -> Finding:
    """A value of a type that cannot stand here."""
    node, found = _found(resolved, path)
    message = f"{name_of(path)} must be {shapes.expected(error.schema)}, not {found}"
    return "E101", message, rewritten(shapes, error.schema, node) or form(shapes, error.schema), path


def one_of(path: Path, value: Any, options: Sequence[Any]) -> tuple[str, str, str]:
    """A value that is none of the options."""
    names = [written(option) for option in options]
    shown = quote(value) if isinstance(value, str) else written(value)
    if isinstance(value, dict | list):
        shown = "a mapping" if isinstance(value, dict) else "a list"
    message = f"{name_of(path)} cannot be {shown}"
    near = nearest(value, names) if isinstance(value, str) else None
    if near == value:
        return "E104", message, f"write {near} without quotes"
    known = f"{'one of' if len(names) > 1 else 'only'} {listing(names)}"
    if near is not None:
        return (
            "E104",
            message,
            f"did you mean {quote(near)}?" + (f" ({known})" if 1 < len(names) <= 8 else ""),
        )
    return "E104", message, f"write {known}"


def _option(shapes: Shapes, resolved: Resolved, path: Path, error: Any) -> Finding:
    options = error.schema.get("enum", [error.schema.get("const")])
    code, message, help_ = one_of(path, error.instance, options)
    if "x-expected" in error.schema:
        message = f"{name_of(path)} must be {error.schema['x-expected']}, not {_found(resolved, path)[1]}"
    return code, message, help_, path


LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}


def _range(shapes: Shapes, resolved: Resolved, path: Path, error: Any) -> Finding:
    wanted = [f"{words} {error.schema[word]}" for word, words in LIMITS.items() if word in error.schema]
    message = f"{name_of(path)} must be {' and '.join(wanted)}, not {written(error.instance)}"
    return "E105", message, rewritten(shapes, _whole(error), _found(resolved, path)[0]), path


def _whole(error: Any) -> Any:
    """The schema of an error; of one in a branch of a oneOf, the schema of all that could stand here."""
    outer = error.parent
    within = outer is not None and outer.absolute_path == error.absolute_path and "oneOf" in outer.schema
    return outer.schema if within else error.schema


def _pattern(shapes: Shapes, resolved: Resolved, path: Path, error: Any) -> Finding:
    node, found = _found(resolved, path)
    schema = _whole(error)
    help_ = rewritten(shapes, schema, node)
    if "x-expected" in error.schema:
        return "E106", f"{name_of(path)} must be {shapes.expected(schema)}, not {found}", help_, path
    rule = f"it must match {error.validator_value}" if error.validator == "pattern" else None
    return "E106", f"{name_of(path)} has not the form it needs: {found}", help_ or rule, path


def _length(shapes: Shapes, resolved: Resolved, path: Path, error: Any) -> Finding:
    if not error.instance:
        return "E106", f"{name_of(path)} is empty", None, path
    words = "at least" if error.validator == "minLength" else "at most"
    message = (
        f"{name_of(path)} must have {words} {error.validator_value} characters, and has {len(error.instance)}"
    )
    return "E106", message, None, path


def _count(shapes: Shapes, resolved: Resolved, path: Path, error: Any) -> Finding:
    words = "at least" if error.validator.startswith("min") else "at most"
    kind = "item" if isinstance(error.instance, list) else "key"
    number = error.validator_value
    has = f"and has {len(error.instance)}" if error.instance else "and is empty"
    message = f"{name_of(path)} needs {words} {number} {kind}{'s' * (number != 1)}, {has}"
    return "E107", message, form(shapes, error.schema), path


def _unique(shapes: Shapes, resolved: Resolved, path: Path, error: Any) -> Finding:
    items = error.instance
    second = next((i for i, item in enumerate(items) if any(_same(item, one) for one in items[:i])), 0)
    shown = _found(resolved, (*path, str(second)))[1]
    return "E107", f"{name_of(path)} holds {shown} twice", "keep one of them", (*path, str(second))


def _same(left: Any, right: Any) -> bool:
    return bool(left == right and isinstance(left, bool) == isinstance(right, bool))


Wording = Callable[[Shapes, Resolved, Path, Any], Finding]
VALUES: dict[str, Wording] = {
    "type": expected_instead,
    "enum": _option,
    "const": _option,
    **dict.fromkeys(LIMITS, _range),
    "pattern": _pattern,
    "format": _pattern,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _count,
    "maxItems": _count,
    "minProperties": _count,
    "maxProperties": _count,
    "uniqueItems": _unique,
}
