"""Verdicts and codes of the evaluation as sentences: what `runtime/verdicts.py` found, in the words of one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expc.compiler.contract import quantities, rendering
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.promises import Expectation, Scenario
from expc.compiler.contract.rendering import Words


@dataclass(frozen=True)
class VerdictRow:
    """One expectation with its verdict; `reason` is Markdown."""

    promise: Expectation
    measured: float | None
    verdict: str
    reason: str


@dataclass(frozen=True)
class ScenarioRow:
    """The case that came true, or None with the reason why none can be named."""

    case: Scenario | None
    measured: float | None
    reason: str


class Judgement:
    def verdicts(self, words):
        return []

    def scenario(self, words):
        return ScenarioRow(None, None, "")


def judge(experiment: Experiment, workspace: Path) -> Judgement:
    return Judgement()


def sentence(problem: Mapping[str, Any], words: Words) -> str:
    """A code with its figures as a sentence; a code without words is shown as it is."""
    key = f"problem.{problem['code']}"
    figures = {name: _shown(value) for name, value in problem.items() if name != "code"}
    return words(key, **figures) if key in words else rendering.code(str(problem["code"]))


def _shown(value: Any) -> str:
    return quantities.integer(value) if isinstance(value, int) else rendering.inline(str(value))
