"""Whether an experiment that reaches all its targets counts as a success by its own scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from ..codes.entry import entry
from ..contract.experiment import Experiment
from ..contract.promises import Scenario
from ..contract.quantities import percent
from ..diagnostics import Diagnostic
from .subject import Subject

_PROSE = "title: a, conclusion: b, next: c"
_TARGETS = "expect: [{metric: eval.structure, at_least: 83%}, {metric: eval.notes, at_least: 60%}]\n"
CODES = (
    entry(
        "W386",
        "All targets together are no success",
        "`expect` bounds every suite from below, and the suites' weights make one composite score of these bounds. If that "
        "score falls into the lowest scenario, or into none, a run that keeps every promise is told to have failed: targets "
        "and scenarios contradict each other.",
        wrong=f"{_TARGETS}scenarios: {{metric: eval.composite, cases: [{{name: low, to: 80%, {_PROSE}}}, "
              f"{{name: high, from: 80%, {_PROSE}}}]}}",
        right=f"{_TARGETS}scenarios: {{metric: eval.composite, cases: [{{name: low, to: 65%, {_PROSE}}}, "
              f"{{name: high, from: 65%, {_PROSE}}}]}}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The composite score of all lower bounds against the scenarios."""
    experiment = subject.experiment
    scenarios, promised = experiment.scenarios, _promised(experiment)
    if not scenarios or scenarios.metric != "eval.composite" or promised is None:
        return
    terms, score = promised
    value = _decisive(experiment, score)
    if value is None:
        return
    fitting = [case for case in scenarios.cases if _low(case) <= value < (inf if case.upper is None else case.upper)]
    lowest = min(scenarios.cases, key=_low)
    if not fitting or lowest in fitting:
        figures = {"terms": terms, "score": percent(score), "value": percent(value), "case": lowest.name if fitting else "–"}
        yield subject.warning("W386", "scenarios.cases", figures, also=["expect"])


def _promised(experiment: Experiment) -> tuple[str, float] | None:
    """The composite score when every suite just reaches its bound, and its terms; None where a suite has no bound."""
    bounds = {one.metric: one.lower for one in experiment.expectations}
    parts = [(suite.weight, bounds.get(f"eval.{suite.name}")) for suite in experiment.evaluation.suites]
    score = 0.0
    for weight, bound in parts:
        if bound is None:
            return None
        score += weight * bound
    return " + ".join(f"{percent(weight, 0)} × {percent(bound)}" for weight, bound in parts), score


def _decisive(experiment: Experiment, score: float) -> float | None:
    """What the scenarios look at: the score, or its gain over a starting score that is stated."""
    if not experiment.scenarios or not experiment.scenarios.relative_to:
        return score
    start = next((one for one in experiment.claims.scores if one.metric == "eval.composite"), None)
    return score - start.figure.value.high if start else None


def _low(case: Scenario) -> float:
    return -inf if case.lower is None else case.lower
