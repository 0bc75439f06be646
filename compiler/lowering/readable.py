"""Which values of a valid spec cannot be read as numbers to compute with: quantities in the wrong form, numbers out of range.

Comes in: the plain values of a spec and the quantities of its family. Goes out: each such value's key, and why. What passes
is between `SMALLEST` and `LARGEST`, so that nothing that is computed from it overflows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..contract.quantities import NotAQuantity, in_range, parse, parse_count
from .lengths import parse_length

QUANTITIES = (
    ("steps", "positive"), ("epochs", "positive"), ("resume.step", "positive"), ("batch.total_tokens", "positive"),
    ("schedule.warmup_steps", "length"), ("schedule.warmdown_ratio", "fraction"), ("schedule.final_fraction", "fraction"),
    ("checkpoint.every", "period"), ("checkpoint.keep_every", "period"), ("hardware.memory_budget", "size"),
    ("phases.*.from", "length"), ("phases.*.to", "period"), ("phases.*.rate", "factor"), ("phases.*.rates.*", "factor"),
    ("eval.validation.every", "period"), ("eval.suites.*.weight", "fraction"), ("eval.compare.*.step", "positive"),
    ("claims.losses.*.step", "positive"), ("claims.scores.*.step", "positive"),
    ("milestones.*.by", "period"), ("milestones.*.at", "period"), ("guards.*.then.roll_back.rate", "fraction"))
"""Keys of quantities and their kinds; `*` stands for any name or index; positive counts and periods begin at 1, durations are
times of more than 0. A family adds its own."""
HANDED_ON = ("command", "watch", "profiles")
"""Sections with numbers that nothing here computes with: a program's flags, and profiles before they are laid over the spec."""


def unreadable(plain: dict[str, Any], of_family: Iterable[tuple[str, str]]) -> Iterator[tuple[str, NotAQuantity]]:
    """(key, why) of everything that no number can be made of; each key once."""
    kinds = {key: (value, kind) for pattern, kind in (*QUANTITIES, *of_family)
             for key, value in matching(plain, pattern.split("."))}
    told = {name: one for name, one in plain.items() if name not in HANDED_ON}
    for key, (value, kind) in {**{key: (value, "") for key, value in _numbers(told)}, **kinds}.items():
        try:
            _read(value, kind)
        except NotAQuantity as error:
            yield key, error


def _read(value: Any, kind: str) -> None:
    if not kind:
        number = in_range(value, value)
    elif kind in ("length", "period"):
        number = parse_length(value).number
    elif kind in ("count", "positive"):
        number = parse_count(value)
    else:
        number = parse(value, "time" if kind == "duration" else kind)
    if number <= 0 and kind in ("positive", "period", "duration"):
        raise NotAQuantity(f"{value!r} has to be more than 0")


def matching(value: Any, path: list[str], key: str = "") -> Iterator[tuple[str, Any]]:
    """(key, value) of everything in nested plain values that a path leads to."""
    if not path:
        yield key, value
        return
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict):
        return
    for name in value if path[0] == "*" else [path[0]] if path[0] in value else ():
        yield from matching(value[name], path[1:], f"{key}.{name}" if key else name)


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, int | float]]:
    """(key, number) of every bare number in nested plain values."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value
    elif isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(one, f"{key}.{name}" if key else str(name))
