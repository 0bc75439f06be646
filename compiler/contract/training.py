"""All that changes training: batch, parameter groups, curves, the parent to resume from. Its hash is the run's identity.

Lengths are steps (one step is one optimizer update), rates per update, `sequence_length` tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .codec import Malformed
from .families import CONFIGS
from .families.gpt import Config as GPTConfig
from .schedules import Curve


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


@dataclass(frozen=True)
class ParameterGroup:
    """One group of an optimizer. `requested_rate` is the spec's, `rate` the peak after the family's scaling."""

    name: str
    optimizer: str
    method: Literal["adamw", "muon", "sgd"]
    requested_rate: float
    rate: float
    weight_decay: float
    options: dict[str, float]


@dataclass(frozen=True)
class Resume:
    """A parent run to start from: its checkpoint at `step`, what becomes of its optimizer state and of the rates."""

    parent: str
    parent_training_sha256: str
    step: int
    optimizer: Literal["keep", "reset"]
    schedule: Literal["continue", "restart", "rewarm"]


@dataclass(frozen=True)
class Training:
    """All that changes training. `family` decides the type of `config`; `curves["rate"]` multiplies every peak rate."""

    family: str
    config: GPTConfig
    batch: Batch
    groups: tuple[ParameterGroup, ...]
    curves: dict[str, Curve]
    gradient_clip: float | None
    steps: int
    seed: int
    precision: Literal["fp32", "bf16"]
    compile: bool
    resume: Resume | None

    @staticmethod
    def chosen_types(plain: dict[str, Any], place: str) -> dict[str, type]:
        """The type of `config` in plain values of a training. Raises `Malformed` for an unknown family."""
        if str(plain["family"]) not in CONFIGS:
            raise Malformed(f"{place}.family: {plain['family']!r} is none of {', '.join(CONFIGS)}")
        return {"config": CONFIGS[plain["family"]]}


@dataclass(frozen=True)
class BoundaryRow:
    """What happens to one quantity at the resume step: its value in the parent's last update, and in the first one here."""

    name: str
    before: float | None
    after: float | None


def own_step_count(training: Training) -> int:
    """Steps that this run takes itself: all of them, less those that it takes over from its parent."""
    return training.steps - (training.resume.step if training.resume else 0)
