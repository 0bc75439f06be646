"""The guards of a spec: conditions read, held against the metrics of the run, and put into canonical text."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from ..contract.conditions import Condition, ConditionError, metrics_of, parse
from ..contract.conditions.units import check
from ..contract.conditions.values import UnknownMetric
from ..contract.guards import NOT_FINITE, Action, Guard
from ..contract.metrics import LIVE, Metric, Signal
from ..contract.quantities import parse as quantity
from ..contract.training import Training
from ..contract.watching import Watching
from ..diagnostics import Diagnostic, listing, nearest
from ..families import family
from ..frontend.resolve import Resolved
from ..source import Span
from . import foreign
from .bounds import held_out
from .promises import text

RATE, TIMES = "50%", {"roll_back": 2, "halve_batch": 3}
_SAID = {"<=": "at_most", ">=": "at_least", "<": "below", ">": "above", "==": "is", "!=": "is_not", "*": "times", "/": "per"}


class Senseless(ConditionError):
    """A condition that can be read and makes no sense: units that do not meet, spans that count something else."""


def signals(training: Training, watching: Watching | None = None) -> dict[str, Signal]:
    """Every metric that a condition of this run can read, by name."""
    if watching:
        return foreign.signals(watching)
    chosen = family(training.family)
    rates = (Metric(f"rate.{group.name}", "number", None) for group in training.groups)
    return {metric.name: Signal(metric, "step") for metric in (*LIVE, *rates, *chosen.LOGGED)} | {
        metric.name: Signal(metric, "validation") for metric in held_out(training.family)}


def lower(resolved: Resolved, said: list[dict[str, Any]], training: Training,
          watching: Watching | None = None) -> tuple[tuple[Guard, ...], list[Diagnostic]]:
    """The guards, the one against a loss that is not finite among them, and what is wrong with their conditions."""
    known, made, found = signals(training, watching), [], []
    for index, one in enumerate(said):
        try:
            made.append(_guard(one, _read(one["when"], known), known))
        except ConditionError as error:
            found.append(_diagnostic(resolved, f"guards.{index}.when", one["when"], error, known))
    own = any(guard.when == NOT_FINITE.when for guard in made)
    return tuple(made) if own else (*made, NOT_FINITE), found


def _read(written: str, known: dict[str, Signal]) -> Condition:
    condition = parse(written)
    try:
        check(condition, known)
    except UnknownMetric:
        raise
    except ConditionError as error:
        raise Senseless(error.message, error.column) from error
    return condition


def _guard(said: dict[str, Any], condition: Condition, known: dict[str, Signal]) -> Guard:
    better = tuple(name for name in metrics_of(condition) if known[name].metric.better == "higher")
    return Guard(said.get("name") or name_of(str(condition)), str(condition), _action(said["then"]), better,
                 text(said.get("why")), True)


def _action(said: str | dict[str, Any]) -> Action:
    kind, options = (said, {}) if isinstance(said, str) else next(iter(said.items()))
    rate = quantity(options.get("rate", RATE), "fraction") if kind == "roll_back" else 1.0
    return Action(kind, rate, options.get("times", TIMES.get(kind, 0)))  # type: ignore[arg-type]


def name_of(condition: str) -> str:
    """A name made from a condition: `loss > 3` is loss_above_3."""
    words = re.sub(r"[<>=!]=|[<>*/]", lambda sign: f" {_SAID[sign[0]]} ", condition)
    name = "_".join(re.findall(r"[a-z0-9]+", words.replace("%", " percent").lower()))
    return (name if name[:1].isalpha() else f"guard_{name}")[:60].rstrip("_")


def _diagnostic(resolved: Resolved, key: str, written: str, error: ConditionError, known: dict[str, Signal]) -> Diagnostic:
    """The error at its place inside of the condition, where the spec writes that on one line."""
    code, help_ = "E432" if isinstance(error, Senseless) else "E430", None
    if isinstance(error, UnknownMetric):
        near = nearest(error.name, known)
        code, help_ = "E431", f'did you mean "{near}"?' if near else f"there are {listing(known)}"
    whole = resolved.span(key)
    if span := _inside(whole, written, error.column):
        return dataclasses.replace(resolved.diagnostic(code, error.message, key, help_), span=span)
    return resolved.diagnostic(code, f"character {error.column} of the condition: {error.message}", key, help_)


def _inside(span: Span, condition: str, column: int) -> Span | None:
    line = span.file.lines[span.line - 1][span.column - 1:span.end_column - 1] if span.line == span.end_line else ""
    at = line.find(condition)
    if at < 0:
        return None
    first = span.column + at + column - 1
    word = re.match(r"[\w.]+|\S?", condition[column - 1:])
    return Span(span.file, span.line, first, span.line, first + max(1, len(word[0]) if word else 1))
