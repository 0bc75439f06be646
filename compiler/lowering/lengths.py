"""Lengths of a run as a spec may write them: `100`, `20k steps`, `5 epochs`, `2M tokens`, `10k samples`.

Text in, `Length` out; a `Clock` turns it into a step, given what has been served so far and the batch from there on.
"""

from __future__ import annotations

import re
from math import ceil
from typing import Literal, cast

from ..contract.phases import Batch, Served
from ..contract.quantities import NotAQuantity, parse, parse_count
from ..contract.record import dataclass
from ..contract.training import Training, known

Unit = Literal["steps", "epochs", "samples", "tokens"]
_WRITTEN = re.compile(r"\s*(\S+)\s+(step|epoch|sample|token)s?\s*")


class NoEpoch(NotAQuantity):
    """A length in epochs, of data whose number of samples is not known before it is prepared."""


@dataclass(frozen=True)
class Length:
    """So many steps, epochs, samples or tokens, counted from the very first update of all."""

    number: float
    unit: Unit

    def __str__(self) -> str:
        return f"{self.number:,.10g} {self.unit}"


def parse_length(value: int | float | str, unit: Unit = "steps") -> Length:
    """A length; a bare number counts in `unit`. Only epochs may have a fraction. Raises `NotAQuantity`."""
    written = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if written:
        value, unit = written[1], cast(Unit, written[2] + "s")
    return Length(parse(value, "count") if unit == "epochs" else parse_count(value), unit)


@dataclass(frozen=True)
class Clock:
    """Where a run stands at a step, and the samples of its epoch where those are known."""

    step: int
    served: Served
    epoch_samples: int | None

    def step_of(self, length: Length, batch: Batch) -> int:
        """The first step, from here on, at which the length is reached with this batch; this one where it is behind.

        Raises `NoEpoch`.
        """
        if length.unit == "steps":
            return int(length.number)
        return self.step + max(0, self.steps_to(length, batch))

    def steps_to(self, length: Length, batch: Batch) -> int:
        """Updates with this batch until a length is reached; negative where it lies so many whole updates behind.

        Raises `NoEpoch`.
        """
        if length.unit == "steps":
            return int(length.number) - self.step
        if length.unit == "tokens":
            return ceil((length.number - self.served.tokens) / batch.tokens)
        samples = length.number if length.unit == "samples" else length.number * self._epoch()
        return ceil((ceil(samples) - self.served.samples) / batch.samples)

    def _epoch(self) -> int:
        if self.epoch_samples is None:
            raise NoEpoch("how many samples an epoch has is not known before the data is prepared; count in steps, samples "
                          "or tokens")
        return self.epoch_samples

    def at(self, step: int, batch: Batch) -> Clock:
        """The clock at a later step, this batch being served until then."""
        return Clock(step, self.served.after(step - self.step, batch), self.epoch_samples)


def period(value: int | float | str, batch: Batch, epoch_samples: int | None) -> int:
    """An interval in steps of the spec's own batch, rounded up. Raises `NotAQuantity`."""
    return Clock(0, Served(0, 0), epoch_samples).step_of(parse_length(value), batch)


def reached(length: Length, training: Training, epoch_samples: int | None) -> int:
    """The first step of a run at which a length is reached, whatever batches its phases have. Raises `NoEpoch`."""
    if length.unit == "steps":
        return int(length.number)
    steps = (Clock(phase.start, known(training.served(phase.start)), epoch_samples).step_of(length, phase.batch)
             for phase in training.phases)
    return next((step for phase, step in zip(training.phases, steps, strict=True) if step <= phase.end), training.steps + 1)
