"""How a plan writes values: rows in; what was and what is, short enough for a line and never alike where they differ, out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..contract.promises import Prediction
from ..contract.quantities import DASH, decimal, duration, integer, percent, significant, size
from .changes import Row

WIDEST = 60
TEXT = "text"
"""The unit of what is written already."""

LONG = 10**12
"""Numbers from here on are written with four digits and an exponent."""

CONTEXT = 20
"""Characters kept before the place where two long texts part."""


def pair(row: Row) -> tuple[str, str]:
    """The two values of a row for people."""
    if isinstance(row.before, list) and isinstance(row.after, list) and row.unit is None:
        return _lists(row.before, row.after)
    before, after = _shown(row.before, row.unit), _shown(row.after, row.unit)
    if before == after:  # rounded to the same
        before, after = _plain(row.before), _plain(row.after)
    if max(len(before), len(after)) > WIDEST and None not in (row.before, row.after):
        start = max(_parting(before, after) - CONTEXT, 0)
        return _clipped(before, start), _clipped(after, start)
    return _clipped(before), _clipped(after)


def factor(row: Row) -> str | None:
    """`2` for a value that doubled; None where that says nothing."""
    return significant(row.factor) if row.factor is not None else None


def figure(one: Prediction) -> str:
    """A predicted figure with its unit."""
    if one.unit == "number" and one.value is not None:
        return integer(int(one.value)) if one.value < LONG else f"{one.value:.4g}"
    if one.unit in ("bytes", "seconds") or one.value is None:
        return _shown(one.value, one.unit)
    return f"{decimal(one.value)} {one.unit}"


def method(one: Prediction) -> str:
    """How a figure was got, in words."""
    return f"{one.method.replace('_', ' ')}: {one.how}"


def corners(segments: Iterable[dict[str, Any]]) -> str:
    """A curve in a line: `0.025 at 0, 1 from 39 to 3,750, 0.05 at 5,000`."""
    runs: list[list[Any]] = []
    laws = set()
    for segment in segments:
        last = segment["first"] if segment["law"] == "constant" else segment["last"]
        laws.add(segment["law"])
        for step, value in ((segment["start"], segment["first"]), (segment["end"], last)):
            if runs and runs[-1][2] == value:
                runs[-1][1] = step
            else:
                runs.append([step, step, value])
    other = ", ".join(sorted(laws - {"constant", "linear"}))
    return ", ".join(map(_run, runs)) + (f" ({other})" if other else "")


def _run(run: list[Any]) -> str:
    first, last, value = run
    return f"{significant(value)} at {first:,}" if first == last else f"{significant(value)} from {first:,} to {last:,}"


def _shown(value: Any, unit: str | None) -> str:
    if value is None:
        return DASH
    if unit == "curve":
        return corners(value)
    if unit is not None and isinstance(value, list):
        return " to ".join(_shown(one, unit) for one in value)
    if unit == TEXT:
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        written = {"bytes": size, "seconds": duration, "fraction": percent}.get(unit or "")
        return written(value) if written else integer(value) if isinstance(value, int) else significant(value, 6)
    return _plain(value)


def _plain(value: Any) -> str:
    return DASH if value is None else json.dumps(value, ensure_ascii=False)


def _parting(before: str, after: str) -> int:
    pairs = enumerate(zip(before, after, strict=False))
    return next((index for index, (old, new) in pairs if old != new), min(len(before), len(after)))


def _clipped(text: str, start: int = 0) -> str:
    cut = text[start:start + WIDEST]
    return ("…" if start else "") + cut + ("…" if start + WIDEST < len(text) else "")


def _lists(before: list[Any], after: list[Any]) -> tuple[str, str]:
    """Two lists by what only one of them has; in full where only their order differs."""
    gone, come = ([item for item in these if item not in those] for these, those in ((before, after), (after, before)))
    if not gone and not come:
        return _clipped(_plain(before)), _clipped(_plain(after))
    return _counted(before, "less", gone), _counted(after, "with", come)


def _counted(items: list[Any], word: str, some: list[Any]) -> str:
    named = _clipped(", ".join(map(_plain, some)))
    return f"{len(items)} item{'s' * (len(items) != 1)}" + (f", {word} {named}" if some else "")


def grouped(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows with those of one thing that came or went as a whole put together, its numbers first."""
    together: dict[str | None, list[Row]] = {}
    rows = list(rows)
    for row in rows:
        together.setdefault(row.new, []).append(row)
    for row in rows:
        siblings = together[row.new]
        if row.new is None or len(siblings) == 1:
            yield row
        elif row is siblings[0]:
            came = row.before is None
            whole = _whole(row.new, siblings)
            yield Row(row.new, None if came else whole, whole if came else None, TEXT, row.effect, row.derived, row.new)


def _whole(key: str, rows: list[Row]) -> str:
    """A thing in short: each of its values after the name that it has in it."""
    rows = [row for row in rows if not row.key.endswith((".unit", ".given"))]
    rows.sort(key=lambda row: isinstance(_value(row), str | list))
    return ", ".join(f"{row.key.removeprefix(key).lstrip('.')} {_shown(_value(row), row.unit)}" for row in rows)


def _value(row: Row) -> Any:
    return row.after if row.before is None else row.before
