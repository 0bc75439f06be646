"""Phases: the stretches of a run that differ in batch, rates, loss weights or frozen parts, as ranges of updates.

Every run has at least one. They follow one another without a gap from the run's first update to its last; update n is the
one that takes the run from step n to n + 1.
"""

from __future__ import annotations

from .record import dataclass


@dataclass(frozen=True)
class Batch:
    """Rows on one rank at a time, accumulated, over all ranks; `sequence_length` in tokens."""

    rows: int
    sequence_length: int
    accumulation: int
    ranks: int

    @property
    def samples(self) -> int:
        """Rows that one optimizer update sees."""
        return self.rows * self.accumulation * self.ranks

    @property
    def tokens(self) -> int:
        """Tokens that one optimizer update sees."""
        return self.samples * self.sequence_length

    def firsts(self, samples: int, rank: int) -> range:
        """The first sample of each micro-batch that a rank sees, in an update that comes after so many samples."""
        return range(samples + rank * self.rows, samples + self.samples, self.rows * self.ranks)


@dataclass(frozen=True)
class Phase:
    """Updates `start` <= n < `end`.

    `rates` multiplies the rates of single groups (a group that it does not name keeps its own), `losses` replaces the
    weights of single losses, `frozen` names the groups that do not move.
    """

    name: str
    start: int
    end: int
    batch: Batch
    compile: bool
    rates: dict[str, float]
    losses: dict[str, float]
    frozen: tuple[str, ...]

    def holds(self, n: int) -> bool:
        """Whether update n belongs to it."""
        return self.start <= n < self.end


def whole(start: int, end: int, batch: Batch, compile: bool = False, name: str = "whole") -> tuple[Phase, ...]:
    """The one phase of a run whose spec names none."""
    return (Phase(name, start, end, batch, compile, {}, {}, ()),)


@dataclass(frozen=True)
class Served:
    """Samples and tokens that have gone into the weights, a parent's included."""

    samples: int
    tokens: int

    def after(self, updates: int, batch: Batch) -> Served:
        """The counters so many updates later."""
        return Served(self.samples + updates * batch.samples, self.tokens + updates * batch.tokens)
