"""What a condition consists of: one frozen class a form, each of which prints itself as canonical text.

`parse(str(condition)) == condition` for every condition that can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import ClassVar, Literal, Union

from ..record import dataclass
from .values import Name, Number, Part, Span, Value


@dataclass(frozen=True)
class Comparison(Part):
    """Two values and < <= > >= == !=."""

    level: ClassVar[int] = 5
    operator: str
    left: Value
    right: Value

    def __str__(self) -> str:
        return f"{self.left.within(6)} {self.operator} {self.right.within(6)}"


@dataclass(frozen=True)
class Finite(Part):
    """Whether a value is a number at all: neither NaN nor infinite (`negated`: whether it is not)."""

    level: ClassVar[int] = 5
    value: Value
    negated: bool

    def __str__(self) -> str:
        return f"{self.value.within(6)} is {'not ' if self.negated else ''}finite"


@dataclass(frozen=True)
class NoImprovement(Part):
    """A metric whose best value is so old; a value counts as better where it is so by more than `by`."""

    metric: Name
    by: Number | None
    span: Span

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        return f"no improvement of {self.metric}{by} for {self.span}"


@dataclass(frozen=True)
class Event(Part):
    """What happens outside of any metric. `span` is a time, None for memory."""

    kind: Literal["out of memory", "no data", "no progress"]
    span: Span | None

    def __str__(self) -> str:
        return f"{self.kind} for {self.span}" if self.span else self.kind


@dataclass(frozen=True)
class Lasting(Part):
    """A condition that has held without a break for so long."""

    level: ClassVar[int] = 4
    condition: Condition
    span: Span

    def __str__(self) -> str:
        return f"{self.condition.within(4)} for {self.span}"


@dataclass(frozen=True)
class Not(Part):
    """The opposite."""

    level: ClassVar[int] = 3
    condition: Condition

    def __str__(self) -> str:
        return f"not {self.condition.within(3)}"


@dataclass(frozen=True)
class Logical(Part):
    """Two conditions and `and` or `or`."""

    operator: Literal["and", "or"]
    left: Condition
    right: Condition

    @property
    def level(self) -> int:  # type: ignore[override]
        """`and` binds tighter than `or`."""
        return 2 if self.operator == "and" else 1

    def __str__(self) -> str:
        return f"{self.left.within(self.level)} {self.operator} {self.right.within(self.level + 1)}"


Condition = Union[Comparison, Finite, NoImprovement, Event, Lasting, Not, Logical]  # noqa: UP007


def walk(part: Part) -> Iterator[Part]:
    """The part and everything in it, from the left."""
    yield part
    for one in fields(part):
        inner = getattr(part, one.name)
        if isinstance(inner, Part):
            yield from walk(inner)


def metrics_of(condition: Condition) -> tuple[str, ...]:
    """The metrics that a condition reads, each once, in their order."""
    return tuple(dict.fromkeys(part.name for part in walk(condition) if isinstance(part, Name)))
