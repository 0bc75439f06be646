"""What a run is watched for and what is promised on its way: guards and milestones.

A guard's condition is canonical text of the language in `conditions/`. Guards are no part of the training's identity: one
may be added to a run that went wrong, and what guards have done is in the run's record and in its checkpoints.
"""

from __future__ import annotations

from typing import Literal

from .promises import Expectation, Text
from .record import dataclass

FLUSH_STEPS = 20
"""Losses stay on the device for so many updates, so that a GPU is not made to wait; guards see them when they come in."""
ActionKind = Literal["stop", "save_and_stop", "warn", "roll_back", "halve_batch"]


@dataclass(frozen=True)
class Action:
    """What is done: `roll_back` and `halve_batch` at most `times` times, each multiplying all rates by `rate`."""

    kind: ActionKind
    rate: float = 1.0
    times: int = 0


@dataclass(frozen=True)
class Guard:
    """A condition and what is done when it becomes true. `higher`: metrics in it for which more is better.

    `given`: whether the spec says it, or it is there because no run goes without.
    """

    name: str
    when: str
    action: Action
    higher: tuple[str, ...]
    why: Text
    given: bool


@dataclass(frozen=True)
class Milestone:
    """A promise on the way: kept by any measurement up to `step`, or, if `exactly`, by the one at that step."""

    promise: Expectation
    step: int
    exactly: bool


NOT_FINITE = Guard("loss_is_not_finite", "loss is not finite", Action("stop"), (), {}, False)
"""No update after a loss of NaN means anything: this guard joins every run whose own guards do not name that condition."""
