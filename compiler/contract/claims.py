"""What somebody states of an experiment, beside what the spec itself gives for it: figures with their ranges.

A figure is in base units (bytes, seconds, fractions of one, nats) and stands for what its author wrote; nothing is trained,
judged or predicted by it.
"""

from __future__ import annotations

from .record import dataclass


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, both included; equal where one number is stated."""

    low: float
    high: float

    def scaled(self, factor: float) -> Range:
        """Both ends times a positive factor."""
        return Range(self.low * factor, self.high * factor)

    def inverse(self, numerator: float) -> Range:
        """numerator / value over the range: what a speed makes of an amount of work."""
        return Range(numerator / self.high, numerator / self.low)

    def meets(self, other: Range, tolerance: float) -> bool:
        """Whether the two overlap when this one is widened by a share of itself on both sides."""
        return self.low * (1 - tolerance) <= other.high and other.low <= self.high * (1 + tolerance)


@dataclass(frozen=True)
class Stated:
    """One figure. `key` is its place in the spec; `computed` what the spec gives instead, by the law named `how`."""

    key: str
    quantity: str
    unit: str
    value: Range
    computed: Range | None
    how: str | None


@dataclass(frozen=True)
class Machine:
    """What is stated of the run on `count` devices of one kind, at `rows` on each at a time (None: the spec's own);
    `estimated`: by somebody who expected it and measured nothing."""

    key: str
    target: str
    title: str
    count: int
    rows: int | None
    estimated: bool
    figures: tuple[Stated, ...]

    def figure(self, quantity: str) -> Stated | None:
        """The stated figure of that name."""
        return next((one for one in self.figures if one.quantity == quantity), None)


@dataclass(frozen=True)
class Past:
    """A loss or score of an earlier run: `of` is `parent` or a name of the author's, `metric` None where it is not said."""

    of: str
    step: int | None
    metric: str | None
    figure: Stated


@dataclass(frozen=True)
class Claims:
    """Everything that is stated. `only_changes` names the only keys or sections that differ from the parent's."""

    only_changes: tuple[str, ...]
    figures: tuple[Stated, ...]
    machines: tuple[Machine, ...]
    losses: tuple[Past, ...]
    scores: tuple[Past, ...]

    def figure(self, quantity: str) -> Stated | None:
        """The figure of that name that is stated of the run as a whole."""
        return next((one for one in self.figures if one.quantity == quantity), None)

    def everything(self) -> tuple[Stated, ...]:
        """All figures, in reading order."""
        return (*self.figures, *(one for machine in self.machines for one in machine.figures),
                *(one.figure for one in (*self.losses, *self.scores)))


NOTHING = Claims((), (), (), (), ())
