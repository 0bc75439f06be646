"""All that changes training: phases, parameter groups, curves, the parent to resume from. Its hash is the run's identity.

Lengths are steps (one step is one optimizer update), rates per update, `sequence_length` tokens.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, TypeVar

from . import canonical
from .codec import Malformed, to_plain
from .families import CONFIGS
from .phases import Batch, Phase, Served
from .record import dataclass
from .schedules import Curve

T = TypeVar("T")


def known(value: T | None) -> T:
    """What only a foreign program may leave unknown, where it is none."""
    assert value is not None
    return value


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
    """A parent run to start from: its checkpoint at `step`, what becomes of its optimizer state and of the rates.

    `served` counts the samples and tokens that are in that checkpoint.
    """

    parent: str
    parent_training_sha256: str
    step: int
    served: Served | None
    optimizer: Literal["keep", "reset"]
    schedule: Literal["continue", "restart", "rewarm"]


@dataclass(frozen=True)
class Training:
    """All that changes training. `family` decides the type of `config`; `curves["rate"]` multiplies every peak rate.

    `batch` is the spec's own, which holds wherever no phase says otherwise; what an update really sees is its phase's. Of a
    foreign program the batch may be unknown (None, and no phases), and so may seed and precision; it has no groups and curves.
    """

    family: str
    config: Any
    batch: Batch | None
    phases: tuple[Phase, ...]
    groups: tuple[ParameterGroup, ...]
    curves: dict[str, Curve]
    gradient_clip: float | None
    steps: int
    seed: int | None
    precision: Literal["fp32", "bf16"] | None
    compile: bool
    resume: Resume | None

    @property
    def start(self) -> int:
        """The step that the run begins at: 0, or its parent's."""
        return self.resume.step if self.resume else 0

    @property
    def own_steps(self) -> int:
        """Steps that this run takes itself: all of them, less those that it takes over from its parent."""
        return self.steps - self.start

    def phase_at(self, n: int) -> Phase:
        """The phase of update n; beyond either end of the run, the nearest one."""
        for phase in self.phases:
            if n < phase.end:
                return phase
        return self.phases[-1]

    def served(self, step: int) -> Served | None:
        """What has been served when the run has come to `step`, its parents' part included; None where nobody knows."""
        counted = self.resume.served if self.resume else Served(0, 0)
        if counted is None or not self.phases:
            return None
        for phase in self.phases:
            counted = counted.after(max(0, min(step, phase.end) - phase.start), phase.batch)
        return counted

    def own_served(self, step: int) -> Served | None:
        """What the run itself has served when it has come to `step`; None where nobody knows."""
        before, after = self.served(self.start), self.served(step)
        return Served(after.samples - before.samples, after.tokens - before.tokens) if before and after else None

    def rates_at(self, n: int) -> dict[str, float]:
        """The rate of each parameter group at update n, by name."""
        phase, multiplier = self.phase_at(n), self.curves["rate"].at(n)
        return {group.name: group.rate * multiplier * phase.rates.get(group.name, 1.0) for group in self.groups}

    @cached_property
    def sha256(self) -> str:
        """The run's identity; kept, because whatever refers to a run states it."""
        return canonical.sha256(to_plain(self))

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
    before: int | float | None
    after: int | float | None
