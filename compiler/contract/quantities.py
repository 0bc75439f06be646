"""Quantities with units: what a spec may write (`6GB`, `1.5h`, `20k`, `40%`) and how documents print numbers.

Sizes are bytes (GB = 10^9, GiB = 2^30), times are seconds, percentages are fractions of one. Printing uses fixed
decimals, a comma between thousands and the ASCII minus in every locale and language.
"""

from __future__ import annotations

import re

_UNITS: dict[str, dict[str, float]] = {
    "size": {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
             "TiB": 2**40},
    "time": {"s": 1, "m": 60, "h": 3600, "d": 86400},
    "count": {"": 1, "k": 10**3, "M": 10**6, "B": 10**9},
    "fraction": {"": 1.0, "%": 0.01},
    "factor": {"": 1.0, "%": 0.01},
}
_NUMBER = re.compile(r"\s*([0-9][0-9_,]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z%]*)\s*")
DASH = "–"
LARGEST_COUNT = 10**12
SMALLEST, LARGEST = 1e-30, 1e15
"""Of the numbers that a plan computes with: between them, no product or quotient of a dozen leaves what a float holds."""


class NotAQuantity(ValueError):
    """Text that is no quantity of the kind asked for; the message says which units there are."""


class OutOfRange(NotAQuantity):
    """A number that nothing can be computed with, so large or so close to zero is it."""


def in_range(number: float, said: object) -> float:
    """The number itself, in its base unit. Raises `OutOfRange`, which quotes what was said."""
    if abs(number) > LARGEST:
        raise OutOfRange(f"{_short(said)} is beyond {LARGEST:,.0f}")
    if 0 < abs(number) < SMALLEST:
        raise OutOfRange(f"{_short(said)} is closer to zero than {SMALLEST:g}")
    return number


def _short(said: object) -> str:
    text = f"{said:g}" if isinstance(said, int | float) else str(said)
    return text if len(text) <= 40 else f"{text[:40]}…"


def units(kind: str) -> str:
    """The units that a kind of quantity is written with, as messages list them."""
    return ", ".join(unit for unit in _UNITS[kind] if unit)


def parse(value: int | float | str, kind: str) -> float:
    """A number in the base unit of `kind`: size (bytes), time (seconds), count, fraction, factor. Raises `NotAQuantity`.

    Bare numbers count as the base unit where that cannot be misread: not for sizes and times.
    """
    number = _base_units(value, kind)
    if kind == "fraction" and number > 1:
        raise NotAQuantity(f"{str(value)[:40]!r} is more than the whole; shares run from 0% to 100%, such as 83% or 0.83")
    return number


def _base_units(value: int | float | str, kind: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if "" not in _UNITS[kind]:
            raise NotAQuantity(f"{value} needs a unit: one of {units(kind)}")
        return in_range(float(value), value)
    match = _NUMBER.fullmatch(str(value))
    if not match or match[2] not in _UNITS[kind]:
        raise NotAQuantity(f"{str(value)[:40]!r} is no {kind}; write a number with one of {units(kind)}")
    number = float(match[1].replace("_", "").replace(",", "")) * _UNITS[kind][match[2]]
    return in_range(round(number, 12) if kind == "fraction" else number, value)


def parse_count(value: int | float | str) -> int:
    """A whole number (`20k` is 20,000). Raises `NotAQuantity` where a fraction is left."""
    number = parse(value, "count")
    if number > LARGEST_COUNT:
        raise NotAQuantity(f"{str(value)[:40]} is more than {LARGEST_COUNT:,}")
    if number != int(number):
        raise NotAQuantity(f"{value!r} is no whole number")
    return int(number)


def integer(value: int | None) -> str:
    """`18,874,368`; a dash for None."""
    return DASH if value is None else f"{value:,}"


def decimal(value: float | None, digits: int = 2) -> str:
    """Fixed decimals; a dash for None."""
    if value is None:
        return DASH
    text = f"{value:,.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def significant(value: float | None, digits: int = 4) -> str:
    """Shortest form with at most `digits` significant digits (`0.0035`, `1.5e-05`, `20000`); a dash for None."""
    if value is None:
        return DASH
    if isinstance(value, int) or (abs(value) < 1e15 and value == int(value)):
        return str(int(value))
    return f"{value:.{digits}g}"


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as `83.0%`; a dash for None."""
    return DASH if value is None else decimal(value * 100, digits) + "%"


def size(value: float | None) -> str:
    """Bytes as `512 B`, `1.23 MB` or `5.93 GB` (powers of ten); a dash for None."""
    if value is None:
        return DASH
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if abs(value) >= factor:
            return f"{decimal(value / factor)} {unit}"
    return f"{int(value)} B"


def duration(value: float | None) -> str:
    """Seconds as `42 s`, `3 min 20 s` or `1 h 30 min`; a dash for None."""
    if value is None:
        return DASH
    whole = round(value)
    if value < 10:
        return f"{decimal(value, 1)} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
