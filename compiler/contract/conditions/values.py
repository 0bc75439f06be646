"""The values in a condition, and what all of its parts have in common: quantities, metrics, windows, arithmetic.

`str(part)` is canonical text with parentheses only where reading it back needs them. Columns (from 1) say where a part
stood in the text that was read; they are no part of what it means.
"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Literal, Union

from ..record import dataclass

TIMES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SIZES = {"B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30,
         "TiB": 2.0**40}
FUNCTIONS = ("mean", "median", "min", "max")
COUNTED = ("steps", "validations", "epochs")


class ConditionError(ValueError):
    """A condition that cannot be read or makes no sense; `column` is the place in its text, from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message, self.column = message, column


class UnknownMetric(ConditionError):
    """A name that is no metric of the run."""

    def __init__(self, name: str, column: int) -> None:
        super().__init__(f'unknown metric "{name}"', column)
        self.name = name


@dataclass(frozen=True)
class Part:
    """What every part has: where it stood, and how tightly it binds (a larger level binds tighter)."""

    level: ClassVar[int] = 9
    column: int = field(default=1, compare=False, kw_only=True)

    def within(self, level: int) -> str:
        """Its text as an operand of something that binds at `level`."""
        return f"({self})" if self.level < level else str(self)


@dataclass(frozen=True)
class Number(Part):
    """A quantity as it was written: `10`, `50%`, `6GB`, `1.5h`."""

    amount: float
    suffix: str = ""

    @property
    def value(self) -> float:
        """In base units: seconds, bytes, fractions of one."""
        if self.suffix == "%":
            return self.amount / 100
        return self.amount * {**TIMES, **SIZES, "": 1.0}[self.suffix]

    def __str__(self) -> str:
        whole = self.amount.is_integer() and self.amount < 1e15
        return f"{int(self.amount) if whole else self.amount!r}{self.suffix}"


@dataclass(frozen=True)
class Name(Part):
    """The latest value of a metric."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Span(Part):
    """How long: so many steps, validations or epochs, or seconds (`unit` is then how they were written: s, m, h, d)."""

    amount: float
    unit: str

    @property
    def clock(self) -> str:
        """What counts it: steps, validations, epochs or seconds."""
        return self.unit if self.unit in COUNTED else "seconds"

    @property
    def value(self) -> float:
        """The count, or seconds."""
        return self.amount * TIMES.get(self.unit, 1.0)

    def __str__(self) -> str:
        return f"{Number(self.amount)} {self.unit}" if self.unit in COUNTED else str(Number(self.amount, self.unit))


@dataclass(frozen=True)
class Window(Part):
    """A function over a value's last observations, those of the present one left out."""

    function: str
    value: Value
    span: Span

    def __str__(self) -> str:
        return f"{self.function}({self.value}, {self.span})"


@dataclass(frozen=True)
class Absolute(Part):
    """The absolute value."""

    value: Value

    def __str__(self) -> str:
        return f"abs({self.value})"


@dataclass(frozen=True)
class Negative(Part):
    """The value with the other sign."""

    level: ClassVar[int] = 8
    value: Value

    def __str__(self) -> str:
        return f"-{self.value.within(self.level)}"


@dataclass(frozen=True)
class Arithmetic(Part):
    """Two values and + - * /, from left to right."""

    operator: Literal["+", "-", "*", "/"]
    left: Value
    right: Value

    @property
    def level(self) -> int:  # type: ignore[override]
        """Products bind tighter than sums."""
        return 7 if self.operator in "*/" else 6

    def __str__(self) -> str:
        return f"{self.left.within(self.level)} {self.operator} {self.right.within(self.level + 1)}"


Value = Union[Number, Name, Window, Absolute, Negative, Arithmetic]  # noqa: UP007
VALUES = (Number, Name, Window, Absolute, Negative, Arithmetic)
