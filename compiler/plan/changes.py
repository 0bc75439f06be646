"""What differs between two experiments, in the words of a spec: two experiments in, rows in reading order out, each with
what it touches: the run's identity, only its launch, only how it is judged, or only text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, cached_property
from typing import Any, Literal

from ..contract.experiment import Experiment
from ..contract.record import dataclass
from ..differences import Difference
from ..frontend.shapes import Shapes
from ..spec_schema import complete
from .words import Entry, Path, entries, written

Effect = Literal["identity", "launch", "judgement", "text"]
LAUNCH = {"launch", "hardware", "checkpoint", "batch", "phases"}
JUDGEMENT = {"eval", "expect", "scenarios", "guards", "milestones", "claims", "predictions", "warnings"}
GROUP = re.compile(r"groups\[(.*)\]\.(?:options\.)?(\w+)")


@dataclass(frozen=True)
class Row(Difference):
    """One value that changed. `derived`: no spec says it, it follows. `new`: the shortest key around it that only one of
    the two experiments has, such as that of a whole suite; None where both have one."""

    unit: str | None
    effect: Effect
    derived: bool
    new: str | None


def changes(before: Experiment, after: Experiment) -> tuple[Row, ...]:
    """All values that differ, those of a spec first, in the order of its sections."""
    place = {section: index for index, section in enumerate(complete()["properties"])}
    rows = _in_spec_words(_Sides(entries(before), entries(after)).rows())
    return tuple(sorted(rows, key=lambda row: (row.derived, place.get(section(row.key), len(place)))))


def section(key: str) -> str:
    """The top-level section that a key is in."""
    return re.split(r"[.\[]", key, maxsplit=1)[0]


class _Sides:
    def __init__(self, old: dict[str, Entry], new: dict[str, Entry]) -> None:
        self.old, self.new = old, new
        self.curves_differ = any(self.differ(key) for key in old | new if section(key) == "curves")

    @cached_property
    def paths(self) -> tuple[set[Path], set[Path]]:
        """The paths of everything, mappings and items too, that either side has."""
        old, new = ({entry.path[:end] for entry in side.values() for end in range(len(entry.path) + 1)}
                    for side in (self.old, self.new))
        return old, new

    @cached_property
    def said(self) -> set[str]:
        """The keys of all mappings and items that hold something which a spec says."""
        entries = (*self.old.values(), *self.new.values())
        return {written(entry.path[:end]) for entry in entries if not entry.derived for end in range(1, len(entry.path))}

    def rows(self) -> Iterator[Row]:
        for key, entry in (self.new | {key: entry for key, entry in self.old.items() if key not in self.new}).items():
            if self.differ(key):
                # The law in a spec's terms is stored for documents; what runs is the curve.
                is_identity = entry.identity or (self.curves_differ and section(key) == "schedule")
                effect: Effect = "identity" if is_identity else _effect(key)
                around = self.around(entry)
                derived = entry.derived and around not in self.said  # what comes with a new item is part of it
                yield Row(key, *self.values(key), entry.unit, effect, derived, around)

    def values(self, key: str) -> tuple[Any, Any]:
        before, after = (side[key].value if key in side else None for side in (self.old, self.new))
        return before, after

    def differ(self, key: str) -> bool:
        before, after = self.values(key)
        if key == "batch.workers" and (before is None or after is None):
            return False  # a run whose phases are all the spec's own holds only what each of them has
        if key.endswith("(order)"):  # of items that both have: what came or went has rows of its own
            both = set(before or ()) & set(after or ())
            before, after = ([name for name in names or () if name in both] for names in (before, after))
        return bool(before != after)

    def around(self, entry: Entry) -> str | None:
        """The shortest key around a value that only one side has."""
        if entry.key in self.old and entry.key in self.new:
            return None
        lacking = self.paths[entry.key in self.old]
        ends = (end for end in range(1, len(entry.path)) if entry.path[end][0] != "[")  # an item, not its whole list
        return next((written(entry.path[:end]) for end in ends if entry.path[:end] not in lacking), None)


def _effect(key: str) -> Effect:
    first = section(key)
    return "launch" if first in LAUNCH or key.startswith("report.trackers") else "judgement" if first in JUDGEMENT else "text"


def _in_spec_words(rows: Iterable[Row]) -> Iterator[Row]:
    """What an optimizer's groups share is one key of a spec: one row where it changed in the same way for all."""
    rows = list(rows)
    shared: dict[str, set[tuple[Any, Any]]] = {}
    for row in rows:
        if key := _optimizer_key(row.key):
            shared.setdefault(key, set()).add((row.before, row.after))
    said = set()
    for row in rows:
        key = _optimizer_key(row.key)
        if key is None or len(shared[key]) > 1:
            yield replace(row, derived=True) if row.key.startswith("groups") else row
        elif key not in said:
            said.add(key)
            yield replace(row, key=key, new=None)


def _optimizer_key(key: str) -> str | None:
    """`optimizer.matrix_lr` for the rate that group `matrix` is asked to have; None for what no spec says."""
    match = GROUP.fullmatch(key)
    if match is None:
        return None
    name = f"optimizer.{match[1]}_lr" if match[2] == "requested_rate" else f"optimizer.{match[2]}"
    return name if name in _known_keys() else None


@cache
def _known_keys() -> frozenset[str]:
    return frozenset(map(".".join, Shapes(complete()).all_paths))
