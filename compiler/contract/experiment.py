"""The frozen experiment: what a snapshot holds, the only thing that compiler and runtime tell each other.

`Experiment.training` is all that changes training, and its hash is the run's identity; everything else (titles, launch,
evaluation, promises, predictions) may change without making a checkpoint foreign.
"""

from __future__ import annotations

from typing import Literal

from .claims import Claims
from .guards import NOT_FINITE, Guard, Milestone
from .metrics import Metric
from .promises import Evaluation, Expectation, Predictions, Scenarios, Text
from .record import dataclass
from .series import Series
from .training import BoundaryRow, Training
from .watching import Watching

FORMAT = "expc.snapshot/1"


@dataclass(frozen=True)
class Schedule:
    """The schedule's law in the spec's own terms, for documents; `Training.curves` is what runs.

    `rate_rule` says what rates do where a phase changes the batch; `Phase.rates` has it worked in.
    """

    warmup_steps: int
    warmdown_steps: int
    warmdown_ratio: float
    warmdown_of: Literal["total", "remaining"]
    final_fraction: float
    rate_rule: Literal["keep", "linear", "sqrt"] | None


@dataclass(frozen=True)
class KeepBest:
    """The `count` best checkpoints by a metric of the validation at their step."""

    metric: str
    better: Literal["lower", "higher"]
    count: int


@dataclass(frozen=True)
class Checkpointing:
    """Save every `every` steps (and at the end and on a stop); keep the newest `keep_last` and multiples of `keep_every`.

    `keep_best` are those that stay besides; `retention` has the whole rule.
    """

    every: int
    keep_last: int
    keep_every: int | None
    keep_best: KeepBest | None = None


@dataclass(frozen=True)
class Validation:
    """Held-out figures (`measures`) every `every` steps over at most `batches` batches of the training batch's shape."""

    every: int
    batches: int
    measures: tuple[Metric, ...] = ()


@dataclass(frozen=True)
class Loading:
    """How a phase's samples are read, which changes none of them: `workers` processes a rank read ahead, 0 reads in place.

    `why` is what the author says about the phase.
    """

    workers: int
    why: Text


@dataclass(frozen=True)
class Hardware:
    """What the run is meant for. Memory in bytes; peak in FLOP/s (dense bf16), bandwidth in bytes/s; None = unknown.

    `others` are machines that documents set beside it; nothing is predicted or judged by them.
    """

    target: str
    title: str
    count: int
    device_memory: int | None
    memory_budget: int | None
    peak_flops: float | None
    bandwidth: float | None
    price_per_hour: float | None
    currency: str | None
    others: tuple[Hardware, ...] = ()


@dataclass(frozen=True)
class Launch:
    """Names and kinds of the launchers; `standalone` adds one that needs nothing of expc where it runs."""

    name: str
    targets: tuple[str, ...]
    standalone: bool = False


@dataclass(frozen=True)
class Change:
    """One key whose resolved value differs from the parent experiment's, in the spec's own terms."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Against:
    """Another form of the same spec that documents set beside this one: its run, what differs, what is predicted of it."""

    run: str
    changes: tuple[Change, ...]
    predictions: Predictions


@dataclass(frozen=True)
class Remark:
    """A note of the author; `about` names a section or key."""

    about: str
    text: Text


@dataclass(frozen=True)
class Finding:
    """A warning of the checks at `place` in the spec. `reason` is why its author acknowledges it; empty: it stands."""

    code: str
    place: str
    text: Text
    reason: Text


@dataclass(frozen=True)
class Experiment:
    """One experiment, resolved and checked. `run` names its folders and files: the name, then `.profile` if there is one.

    `loading` is by the name of the phase; `counted` is the word for what `sequence_length` counts. A foreign program has
    `watching`; its schedule and validation are its own business (None), and `checkpoint` means something only where
    `watching.checkpoints` says what it saves. `trackers` are other programs that are told the figures of the journal.
    """

    run: str
    name: str
    profile: str | None
    title: Text
    goal: Text
    date: str | None
    training: Training
    schedule: Schedule | None
    checkpoint: Checkpointing
    validation: Validation | None
    loading: dict[str, Loading]
    hardware: Hardware
    launch: Launch
    evaluation: Evaluation
    expectations: tuple[Expectation, ...]
    scenarios: Scenarios | None
    notes: tuple[Remark, ...]
    claims: Claims
    warnings: tuple[Finding, ...]
    languages: tuple[str, ...]
    changes: tuple[Change, ...]
    boundary: tuple[BoundaryRow, ...]
    predictions: Predictions
    guards: tuple[Guard, ...] = (NOT_FINITE,)
    milestones: tuple[Milestone, ...] = ()
    watching: Watching | None = None
    against: Against | None = None
    counted: str = "tokens"
    trackers: tuple[str, ...] = ()
    series: Series | None = None
