"""What differs between two trees of plain values: flat keys in, the differing ones out, in reading order.

The parent's resolved spec against the child's gives the changes of a design document; two snapshots give a plan's diff.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .contract.record import dataclass


@dataclass(frozen=True)
class Difference:
    """One leaf; None stands for a side that lacks it."""

    key: str
    before: Any
    after: Any

    @property
    def factor(self) -> float | None:
        """after / before, where both are numbers and that says something."""
        numbers = [value for value in (self.before, self.after) if _is_number(value)]
        return self.after / self.before if len(numbers) == 2 and self.before else None


ABSENT = object()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, scalar) of every leaf; an empty mapping or list counts as a leaf."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, (list, tuple)) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{key}.{index}")
    else:
        yield key, value


def differences(before: Any, after: Any) -> tuple[Difference, ...]:
    """The leaves that differ; a leaf that one side lacks has None there."""
    old, new = dict(leaves(before)), dict(leaves(after))
    keys = [*new, *(key for key in old if key not in new)]
    changed = [key for key in keys if old.get(key, ABSENT) != new.get(key, ABSENT)]
    return tuple(Difference(key, old.get(key), new.get(key)) for key in changed)
