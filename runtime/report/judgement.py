"""Verdicts, scenario and codes as sentences: what `runtime/verdicts.py` and the comparison found, in one language.

Nothing is judged here. A code without words of ours is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expc.compiler.contract import quantities, rendering
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Expectation, Scenario
from expc.compiler.contract.rendering import Words

if TYPE_CHECKING:
    from ..milestones import MilestoneVerdict
    from ..verdicts import ScenarioVerdict, Verdict


@dataclass(frozen=True)
class Judgement:
    """The verdicts on all expectations, in their order, on the scenarios, if there are any, and on all milestones."""

    verdicts: tuple[Verdict, ...]
    scenario: ScenarioVerdict | None
    milestones: tuple[MilestoneVerdict, ...] = ()


@dataclass(frozen=True)
class VerdictRow:
    """One line of the table of expectations; `reason` is Markdown."""

    promise: Expectation
    measured: float | None
    outcome: str
    reason: str


def judge(experiment: Experiment, workspace: Path) -> Judgement:
    """Everything that can be said of what was promised. Imports what generates samples, torch included."""
    from .. import milestones, verdicts

    return Judgement(verdicts.verdicts(experiment, workspace), verdicts.scenario(experiment, workspace),
                     milestones.milestones(experiment, verdicts.gather(experiment, workspace)))


def rows(judgement: Judgement, words: Words) -> list[VerdictRow]:
    """The table of expectations in one language."""
    return [VerdictRow(one.expectation, one.measured, one.outcome, sentence("reason", one.reason, words))
            for one in judgement.verdicts]


def scenario_context(judgement: Judgement, words: Words) -> dict[str, Any] | None:
    """What the template says of the scenarios: the case, whether it is settled, which cases stay possible, why."""
    found = judgement.scenario
    if found is None:
        return None
    return {"case": found.case, "measured": found.measured, "low": found.low, "high": found.high,
            "decided": found.decided, "possible": titles(found.possible, words),
            "names": {case.name for case in found.possible}, "reason": sentence("reason", found.reason, words)}


def titles(cases: tuple[Scenario, ...], words: Words) -> str:
    """The cases' titles in one list."""
    return words("list").join(rendering.inline(rendering.say(case.title, words.language)) for case in cases)


def sentence(kind: str, found: Mapping[str, Any] | None, words: Words) -> str:
    """A code with its figures as a sentence in Markdown; empty for None."""
    if not found:
        return ""
    key = f"{kind}.{found['code']}"
    figures = {name: _shown(value) for name, value in found.items() if name != "code"}
    return words(key, **figures) if key in words else rendering.code(str(found["code"]))


def _shown(value: Any) -> str:
    return quantities.integer(value) if isinstance(value, int) else rendering.inline(str(value))
