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


def _refuse_ambiguous(value: Any, place: str) -> None:
    if isinstance(value, float):
        if not math.isfinite(value) or (value == 0.0 and math.copysign(1.0, value) < 0):
            raise NotCanonical(f"{place}: {value!r} has no canonical form")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical(f"{place}: the key {key!r} is no string")
            _refuse_ambiguous(item, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_ambiguous(item, f"{place}.{index}")
    elif not (value is None or isinstance(value, (str, bool, int))):
        raise NotCanonical(f"{place}: a {type(value).__name__} has no canonical form")


def dumps(value: Any) -> str:
    """The canonical text of plain values (None, bool, int, float, str, list or tuple, dict with string keys).

    Raises `NotCanonical` for anything else.
    """
    _refuse_ambiguous(value, "$")
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def sha256(value: Any) -> str:
    """SHA-256 (hex) of the canonical text of `value` in UTF-8."""
    return hashlib.sha256(dumps(value).encode()).hexdigest()
