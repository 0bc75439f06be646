"""Whether the scenarios partition their metric: no two overlap, and no value is left without one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import inf

from ..codes.entry import entry
from ..contract.promises import Scenario
from ..contract.quantities import percent, significant
from ..diagnostics import Diagnostic
from ..lowering.promises import UNKNOWN
from .subject import Subject

_PROSE = "title: a, conclusion: b, next: c"
CODES = (
    entry(
        "E340",
        "Scenarios overlap",
        "Each case holds from `from` (included) to `to` (excluded). Two cases that claim the same value would both come "
        "true, with different conclusions.",
        wrong=f"scenarios: {{metric: eval.composite, cases: [{{name: low, to: 85%, {_PROSE}}}, "
              f"{{name: high, from: 80%, {_PROSE}}}]}}",
        right=f"scenarios: {{metric: eval.composite, cases: [{{name: low, to: 80%, {_PROSE}}}, "
              f"{{name: high, from: 80%, {_PROSE}}}]}}",
    ),
    entry(
        "E341",
        "Scenarios leave a hole",
        "Some value of the metric belongs to no case, so a run can end without a conclusion. The lowest case has no "
        "`from`, the highest no `to`, and each begins where the one below it ends.",
        wrong=f"scenarios: {{metric: eval.composite, cases: [{{name: low, to: 80%, {_PROSE}}}, "
              f"{{name: high, from: 85%, {_PROSE}}}]}}",
        right=f"scenarios: {{metric: eval.composite, cases: [{{name: low, to: 85%, {_PROSE}}}, "
              f"{{name: high, from: 85%, {_PROSE}}}]}}",
    ),
    entry(
        "E342",
        "A gain over a parent that there is not",
        "`gain_over: parent` measures against the experiment that `resume.from` names; this spec resumes nothing.",
        wrong=f"scenarios: {{metric: eval.composite, gain_over: parent, cases: [{{name: low, to: 1%, {_PROSE}}}, "
              f"{{name: high, from: 1%, {_PROSE}}}]}}",
        right=f"scenarios: {{metric: eval.composite, cases: [{{name: low, to: 80%, {_PROSE}}}, "
              f"{{name: high, from: 80%, {_PROSE}}}]}}",
    ),
    entry(
        "E343",
        "Two scenarios of the same name",
        "The results document names the case that came true. Two cases of one name could not be told apart.",
        wrong=f"scenarios: {{metric: eval.composite, cases: [{{name: same, to: 80%, {_PROSE}}}, "
              f"{{name: same, from: 80%, {_PROSE}}}]}}",
        right=f"scenarios: {{metric: eval.composite, cases: [{{name: low, to: 80%, {_PROSE}}}, "
              f"{{name: high, from: 80%, {_PROSE}}}]}}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The cases against the whole line."""
    scenarios = subject.experiment.scenarios
    if not scenarios:
        return
    if subject.resolved.value("scenarios.gain_over") and not subject.parent:
        yield subject.finding("E342", "there is no parent to gain over", "scenarios.gain_over", also=["resume"])
    yield from _same_names(subject, [case.name for case in scenarios.cases])
    if scenarios.unit == UNKNOWN:
        return
    show = percent if scenarios.unit == "fraction" else significant
    cases = sorted(scenarios.cases, key=lambda case: (_low(case), _high(case)))
    if inverted := next((case for case in cases if _low(case) >= _high(case)), None):
        yield subject.finding("E340", f"{inverted.name} begins at {show(inverted.lower)} and ends at {show(inverted.upper)}",
                              "scenarios.cases", "`from` has to be below `to`")
        return
    if _low(cases[0]) > -inf:
        yield _hole(subject, f"below {show(cases[0].lower)}")
    for below, above in pairwise(cases):
        if _low(above) < _high(below):
            yield subject.finding("E340", f"{below.name} and {above.name} both hold at {show(max(_low(above), -1e9))}",
                                  "scenarios.cases", "let each begin where the one below it ends")
        elif _low(above) > _high(below):
            yield _hole(subject, f"from {show(below.upper)} to {show(above.lower)}")
    if _high(cases[-1]) < inf:
        yield _hole(subject, f"from {show(cases[-1].upper)} up")


def _same_names(subject: Subject, names: list[str]) -> Iterator[Diagnostic]:
    for index, name in enumerate(names):
        if (first := names.index(name)) != index:
            yield subject.finding("E343", f'a second scenario named "{name}"', f"scenarios.cases.{index}.name",
                                  "give each case a name of its own", [f"scenarios.cases.{first}.name"])


def _hole(subject: Subject, where: str) -> Diagnostic:
    metric = subject.resolved.value("scenarios.metric")
    return subject.finding("E341", f"no scenario covers {metric} {where}", "scenarios.cases",
                           "extend a case, or add one")


def _low(case: Scenario) -> float:
    return -inf if case.lower is None else case.lower


def _high(case: Scenario) -> float:
    return inf if case.upper is None else case.upper
