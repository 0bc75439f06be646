"""The metrics that every run can be held to: name, unit, and which way is better.

A family adds its own (`expc.compiler.families.<name>.METRICS`); each suite adds `eval.<suite>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["nats", "bits", "fraction", "bytes", "seconds", "per_second", "number"]


@dataclass(frozen=True)
class Metric:
    """One measurable quantity of a finished run, in base units (bytes, seconds, fractions of one, nats per token)."""

    name: str
    unit: Unit
    better: Literal["lower", "higher"]


COMMON = (
    Metric("train_loss", "nats", "lower"),
    Metric("valid_loss", "nats", "lower"),
    Metric("peak_memory", "bytes", "lower"),
    Metric("train_time", "seconds", "lower"),
    Metric("tokens_per_second", "per_second", "higher"),
    Metric("eval.composite", "fraction", "higher"),
)
