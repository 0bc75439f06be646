"""How a value was probably meant to be written. In: a value that its schema refuses. Out: the next step as a few words, only
such as the schema would then accept: a number without quotes, `8GB` for `8 gb`, `25%` for 25, `my_run` for `My Run`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..diagnostics import listing, quote
from ..source import Node
from .scalars import NumberError, Scalar, scalar
from .schema_words import written
from .shapes import Shapes

SPOKEN = {"yes": True, "no": False, "on": True, "off": False, "y": True, "n": False}
UNITS = ("%", "k", "M", "B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "s", "m", "h", "d")
EXAMPLES = ("GB", "h")  # units that a bare number may lack
QUANTITY = re.compile(r"([-+]?[0-9][0-9_,]*(?:\.[0-9]+)?)\s*([a-z%]+)\.?", re.IGNORECASE)
LONG_UNITS = {"percent": "%", "sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "hr": "h", "day": "d",
              "kilobyte": "KB", "megabyte": "MB", "gigabyte": "GB", "gig": "GB", "meg": "MB", "terabyte": "TB"}  # fmt: skip


def rewritten(shapes: Shapes, schema: Any, node: Node) -> str | None:
    """"write 8GB": another way to write the value that the schema accepts; None if there is none near."""
    value = node.value
    if isinstance(value, tuple) and len(value) == 1 and shapes.matches(schema, value[0].plain()):
        return "write the item without the list"
    if isinstance(value, dict) and shapes.matches(schema, [node.plain()]):
        return "make it an item of a list: put a dash and a space before its first key"
    if isinstance(value, dict | tuple) or value is None:
        return None
    if shapes.matches(schema, [value]):
        return f"write [{written(value)}] for a list of one"
    if isinstance(value, str):
        return _from_text(shapes, schema, node, value)
    return _from_number(shapes, schema, node, value)


def form(shapes: Shapes, schema: Any) -> str | None:
    """The keys of the mapping, or of each item of the list, that is wanted; None for anything else."""
    shape = shapes.target(schema)
    if shape.get("type") == "array":
        item = shapes.target(shape.get("items", {}))
        names = list(item.get("properties", {}))
        if "enum" in item:
            return f"write a list; each item is {shapes.expected(item)}"
        return f"write a list of mappings; their keys: {listing(names)}" if names else None
    names = list(shape.get("properties", {}))
    return f"write a mapping; its keys: {listing(names)}" if shape.get("type") == "object" and names else None


def _from_number(shapes: Shapes, schema: Any, node: Node, value: int | float) -> str | None:
    if not isinstance(value, bool) and value in (0, 1) and shapes.matches(schema, bool(value)):
        return f"write {written(bool(value))}"
    text = source_text(node)
    if shapes.matches(schema, text):
        return f"put it in quotes: {quote(text)}"
    if shapes.matches(schema, f"{text}%"):
        return f"write {text}%"
    unit = next((one for one in EXAMPLES if shapes.matches(schema, f"{text}{one}")), None)
    return f"add the unit, for instance {text}{unit}" if unit else None


def _from_text(shapes: Shapes, schema: Any, node: Node, text: str) -> str | None:
    spoken = SPOKEN.get(text.strip().lower())
    if spoken is not None and shapes.matches(schema, spoken):
        return f"write {written(spoken)}"
    bare = _without_separators(text)
    value = _number(bare)
    if value is not None and shapes.matches(schema, value):
        quoted = bare == text.strip() and source_text(node)[:1] in ("'", '"')
        return f"write {bare} without quotes" if quoted else f"write {bare}"
    near = next((one for one in _alike(text) if one != text and shapes.matches(schema, one)), None)
    return f"write {near}" if near is not None else None


def _alike(text: str) -> Iterator[str]:
    """Texts of another spelling: units in their usual case and place, names in lower case with underscores."""
    match = QUANTITY.fullmatch(text.strip())
    if match is not None:
        number, unit = _without_separators(match[1]), match[2]
        long = LONG_UNITS.get(unit.lower().rstrip("s")) or LONG_UNITS.get(unit.lower())
        same = [one for one in UNITS if one.lower() == unit.lower()]
        yield from (f"{number}{one}" for one in (unit, f" {unit.lower()}", *([long] if long else []), *same))
    elif _number(text.strip()) is not None:
        yield f"{text.strip()}%"
    else:
        yield re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")
        yield text.strip().upper()


def _without_separators(text: str) -> str:
    """A number without what groups its digits (20_000, 20,000); a comma that does not group them is a decimal point."""
    bare = re.sub(r"[_\s]", "", text)
    grouped = re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", bare)
    return bare.replace(",", "" if grouped else ".")


def _number(text: str) -> Scalar:
    try:
        value = scalar(text)
    except NumberError:
        return None
    return value if isinstance(value, int | float) else None


def source_text(node: Node) -> str:
    """A scalar as it stands in the file; "" if it takes several lines."""
    span = node.span
    if span.line != span.end_line or span.line > len(span.file.lines):
        return ""
    return span.file.lines[span.line - 1][span.column - 1 : span.end_column - 1]
