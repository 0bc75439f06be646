"""The metrics that every run can be held to: name, unit, and which way is better.

A family adds its own (`expc.compiler.families.<name>.METRICS`); each suite adds `eval.<suite>`.
"""

from __future__ import annotations

from typing import Literal

from .record import dataclass

Unit = Literal["nats", "bits", "fraction", "bytes", "seconds", "per_second", "number", "dB"]


@dataclass(frozen=True)
class Metric:
    """One measurable quantity of a finished run, in base units (bytes, seconds, fractions of one, nats per token)."""

    name: str
    unit: Unit
    better: Literal["lower", "higher"] | None
    """None where nobody can say."""


@dataclass(frozen=True)
class Signal:
    """A metric that a condition can read while a run goes on, and when it is measured: after updates, or at validations."""

    metric: Metric
    at: Literal["step", "validation"]


COMMON = (
    Metric("train_loss", "nats", "lower"),
    Metric("valid_loss", "nats", "lower"),
    Metric("peak_memory", "bytes", "lower"),
    Metric("train_time", "seconds", "lower"),
    Metric("tokens_per_second", "per_second", "higher"),
    Metric("eval.composite", "fraction", "higher"),
)

LIVE = (
    Metric("step", "number", None),
    Metric("epoch", "number", None),
    Metric("rate", "number", None),
    Metric("tokens_per_second", "per_second", "higher"),
    Metric("step_seconds", "seconds", "lower"),
    Metric("data_seconds", "seconds", "lower"),
    Metric("memory", "bytes", None),
    Metric("gpu_util", "fraction", "higher"),
)
"""What the runtime itself measures after updates, for conditions; `rate.<group>` joins them. A family logs the rest."""
