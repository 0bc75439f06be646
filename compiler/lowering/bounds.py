"""Bounds that a spec puts on metrics: a number with a unit, read by the unit of the metric it bounds."""

from __future__ import annotations

from dataclasses import replace

from ..contract.metrics import COMMON, Metric
from ..contract.quantities import NotAQuantity, OutOfRange, parse
from ..contract.watching import Watching
from ..families import family

_KINDS = {"fraction": "fraction", "bytes": "size", "seconds": "time"}
_WORDS = {"fraction": "a share of at most 100%, such as 83% or 0.83", "size": "a size, such as 6GB",
          "time": "a time, such as 1.5h", "count": "a plain number, such as 0.5"}


def metrics(family_name: str, suites: tuple[str, ...], watching: Watching | None = None) -> dict[str, Metric]:
    """Every metric that a run of this family with these suites can be held to, by name.

    Of a foreign program these are also the figures that are read from it; what they mean is its own business.
    """
    chosen = family(family_name)
    of_suites = (Metric(f"eval.{suite}", "fraction", "higher") for suite in suites)
    common = (replace(one, unit=chosen.LOSS_UNIT) if one.unit == "nats" else one for one in COMMON)
    known = {metric.name: metric for metric in (*common, *chosen.METRICS, *chosen.EVALUATED, *of_suites)}
    if watching is None:
        return known
    told = (*known, *(name for reader in watching.readers for name in reader.figures))
    return known | {name: Metric(name, "number", "lower") for name in told if name not in known or known[name].unit == "nats"}


def held_out(family_name: str) -> tuple[Metric, ...]:
    """What a validation during training measures."""
    chosen = family(family_name)
    return (Metric("valid_loss", chosen.LOSS_UNIT, "lower"), *chosen.METRICS)


def read(value: int | float | str, unit: str) -> float:
    """A bound in the metric's base unit. Raises `NotAQuantity` where the unit does not fit the metric."""
    text = str(value).strip()
    sign, magnitude = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    kind = _KINDS.get(unit, "count")
    try:
        return sign * parse(magnitude, kind)
    except OutOfRange:
        raise
    except NotAQuantity:
        raise NotAQuantity(f"the bound has to be {_WORDS[kind]}, not {text}") from None
