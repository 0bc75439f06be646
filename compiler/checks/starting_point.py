"""Whether scenarios look upwards from where the experiment starts, measured by the metric that decides."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.quantities import percent
from ..diagnostics import Diagnostic
from ..lowering.bounds import metrics
from .subject import Subject, shown

_CASES = ("scenarios: {metric: eval.composite, cases: [{name: low, to: 80%, title: a, conclusion: b, next: c}, "
          "{name: high, from: 80%, title: a, conclusion: b, next: c}]}\n")
CODES = (
    entry(
        "W387",
        "A scenario begins below the starting point",
        "A case above the lowest one stands for a gain. If it begins below the score that the experiment starts from, a loss "
        "counts as a gain.",
        wrong=_CASES + "claims: {scores: [{of: first round, metric: eval.composite, value: 83%}]}",
        right=_CASES + "claims: {scores: [{of: first round, metric: eval.composite, value: 78%}]}",
    ),
    entry(
        "W388",
        "The starting point was measured by another metric",
        "A score that was measured by a metric of another name cannot be set against scenarios of this one. Measure the "
        "starting point again by the same suites, or decide by `gain_over: parent`, which does.",
        wrong=_CASES + "claims: {scores: [{of: first round, metric: structure_only, value: 78%}]}",
        right=_CASES + "claims: {scores: [{of: first round, metric: eval.composite, value: 78%}]}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Stated starting scores against scenarios that decide by the value itself."""
    experiment, scenarios = subject.experiment, subject.experiment.scenarios
    if not scenarios or scenarios.relative_to:
        return
    suites = tuple(suite.name for suite in experiment.evaluation.suites)
    known = metrics(experiment.training.family, suites, experiment.watching)
    for one in experiment.claims.scores:
        figures = {"of": one.of, "start": shown(one.figure.value, "fraction"), "metric": str(one.metric)}
        if one.metric not in known:
            yield subject.warning("W388", one.figure.key, figures | {"decider": scenarios.metric}, also=["scenarios.metric"])
        elif one.metric == scenarios.metric:
            for case in scenarios.cases:
                if case.lower is not None and case.lower < one.figure.value.low:
                    yield subject.warning("W387", "scenarios.cases", figures | {"case": case.name, "from": percent(case.lower)},
                                          also=[one.figure.key])
