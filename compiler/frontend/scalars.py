"""What an unquoted YAML scalar means. In: its text. Out: a value by the YAML 1.2 core schema, where `3e-4` is
a number, `no` and `12:30` and dates are strings; PyYAML's own reading is that of YAML 1.1. Numbers that no
snapshot can hold (not finite, or beyond 64 bits) raise `NumberError`."""

from __future__ import annotations

import math
import re

CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
LARGEST = 2**63 - 1
DIGITS = 40  # longer integers are out of range however they are written; int() itself refuses some thousands

Scalar = str | int | float | bool | None


class NumberError(ValueError):
    """A number that cannot be held; the message says why."""


def scalar(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if INTEGER.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise NumberError("is larger than any number that can be stored")
        return value
    if NOT_FINITE.fullmatch(text):
        raise NumberError("is not a finite number")
    return text


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    digits = text[2:] if base != 10 else text
    value = int(digits, base) if len(digits) <= DIGITS else LARGEST + 1
    if abs(value) > LARGEST:
        raise NumberError("is beyond 64 bits")
    return value
