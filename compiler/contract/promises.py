"""What is evaluated and what was promised: suites, compared experiments, expectations, scenarios, predictions.

Scores and shares are fractions of one, sizes bytes, times seconds, losses nats per token.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from .metrics import Metric
from .record import dataclass

Text = dict[str, str]
"""Prose by language (`zh`, `en`), or under `any` where one text serves all."""


@dataclass(frozen=True)
class Suite:
    """One evaluation suite: prompts that the model completes, indicators that each completion is judged by.

    A suite without prompts is a score that a foreign program's own evaluation gives under the suite's name.
    """

    name: str
    title: Text
    weight: float
    prompts: tuple[str, ...]
    indicators: tuple[str, ...]
    samples: int
    max_new_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True)
class Compared:
    """An experiment to compare with, by its run's name, at a stated step. `training_sha256` is what it must have trained."""

    run: str
    experiment: str
    title: Text
    step: int
    training_sha256: str
    parameters: int | None


@dataclass(frozen=True)
class Evaluation:
    """Suites (weights sum to 1), the models to compare with, and the name of the comparison's JSON file.

    `measures` is what the family's own evaluation measures, where it has one instead of suites.
    """

    suites: tuple[Suite, ...]
    compare: tuple[Compared, ...]
    results_file: str
    measures: tuple[Metric, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """A promise: `metric` lies in [lower, upper]; None is unbounded. `strict_*` excludes the bound itself."""

    metric: str
    unit: str
    lower: float | None
    upper: float | None
    strict_lower: bool
    strict_upper: bool
    why: Text


@dataclass(frozen=True)
class Scenario:
    """One case: the metric lies in [lower, upper) (None is unbounded), what that means and what to do then."""

    name: str
    title: Text
    lower: float | None
    upper: float | None
    conclusion: Text
    next: Text


@dataclass(frozen=True)
class Scenarios:
    """Cases that partition one metric, measured as the gain over run `relative_to`, or as it is where that is None."""

    metric: str
    unit: str
    relative_to: str | None
    cases: tuple[Scenario, ...]


@dataclass(frozen=True)
class Prediction:
    """A figure computed before the run. `method` is exact, estimated, lower_bound, cited or unverified; `how` says how."""

    name: str
    value: int | float | None
    unit: str
    method: Literal["exact", "estimated", "lower_bound", "cited", "unverified"]
    how: str


@dataclass(frozen=True)
class Predictions:
    """Parameters by module (exact), memory by part at the step's peak (bytes), and single figures.

    `operations` are FLOPs of one sample, forward and backward, by module, where the family counts them so."""

    parameters: dict[str, int]
    memory: dict[str, int]
    figures: tuple[Prediction, ...]
    operations: dict[str, int] = field(default_factory=dict)
