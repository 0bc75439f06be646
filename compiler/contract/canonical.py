"""Canonical JSON and the two hashes of a snapshot: plain values in, the one byte string that stands for them out.

Keys sorted, two-space indent, shortest round-trip floats, UTF-8, one final newline. A value that has no canonical form
(NaN, infinity, minus zero, a key that is no string, any other type) is refused with `NotCanonical`, never guessed at.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any


class NotCanonical(ValueError):
    """A value that cannot be written in exactly one way; the message names its place."""


Place = tuple["Place", "str | int"] | None
"""Where a value stands: the place around it and its key or index there; None is the whole."""

_WORDS = {None: "null", True: "true", False: "false"}
_quoted = json.encoder.encode_basestring


def dumps(value: Any) -> str:
    """The canonical text of plain values (None, bool, int, float, str, list or tuple, dict with string keys).

    Raises `NotCanonical` for anything else. `json.dumps` gives the same text for sorted keys and an indent, but later: Python's
    encoder does without its part in C where an indent is asked for.
    """
    return _text(value, None, "\n") + "\n"


def _text(value: Any, place: Place, margin: str) -> str:
    """A value's text; `margin` is the line break and the blanks before what closes it."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value) or (value == 0.0 and math.copysign(1.0, value) < 0):
            raise NotCanonical(f"{_named(place)}: {value!r} has no canonical form")
        return float.__repr__(value)
    inner = margin + "  "
    if isinstance(value, dict):
        if odd := [key for key in value if not isinstance(key, str)]:
            raise NotCanonical(f"{_named(place)}: the key {odd[0]!r} is no string")
        items = [f"{_quoted(key)}: {_text(value[key], (place, key), inner)}" for key in sorted(value)]
        return f"{{{inner}{f',{inner}'.join(items)}{margin}}}" if items else "{}"
    if isinstance(value, (list, tuple)):
        items = [_text(item, (place, index), inner) for index, item in enumerate(value)]
        return f"[{inner}{f',{inner}'.join(items)}{margin}]" if items else "[]"
    raise NotCanonical(f"{_named(place)}: a {type(value).__name__} has no canonical form")


def _named(place: Place) -> str:
    return "$" if place is None else f"{_named(place[0])}.{place[1]}"


def sha256(value: Any) -> str:
    """SHA-256 (hex) of the canonical text of `value` in UTF-8."""
    return hashlib.sha256(dumps(value).encode()).hexdigest()
