"""What a run left behind, as the report reads it: run folder in, plain values out. Nothing is judged or computed here.

A file that is not there, or not whole, is None (or empty): its section says that the stage has not been run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expc.compiler.contract import names
from expc.compiler.contract.experiment import Experiment

from ..files import read_json
from ..journal import read_lines
from ..workspace import run_folder

Lines = tuple[dict[str, Any], ...]


class Found(dict[str, Any]):
    """What a file held. A key that it lacks is None, so that a missing number becomes a dash and never a zero."""

    def __missing__(self, key: str) -> None:
        return None


def lenient(value: Any) -> Any:
    """Plain values with `Found` for every mapping in them."""
    if isinstance(value, dict):
        return Found({key: lenient(item) for key, item in value.items()})
    return [lenient(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Evidence:
    """Record, metric lines (the parent's to the resume step), evaluation, comparison, a person's notes, file names.

    `makes_setup`: whether the workspace makes its own environment, with `make setup`.
    """

    record: dict[str, Any]
    metrics: Lines
    parent: Lines
    evaluation: dict[str, Any] | None
    comparison: dict[str, Any] | None
    notes: str
    files: frozenset[str]
    makes_setup: bool

    @property
    def attempts(self) -> Sequence[dict[str, Any]]:
        """Every start of the training stage, oldest first."""
        return self.record.get("attempts") or ()

    @property
    def step(self) -> int | None:
        """The step that training has reached; None where it was never started."""
        return self.record.get("step") if self.attempts else None

    @property
    def host(self) -> dict[str, Any]:
        """The machine of the latest attempt."""
        return (self.attempts[-1].get("host") or {}) if self.attempts else {}

    def last(self, kind: str, name: str) -> float | None:
        """The latest value of a metric."""
        values = [line[name] for line in self.metrics if line.get("kind") == kind and line.get(name) is not None]
        return values[-1] if values else None


def gather(experiment: Experiment, workspace: Path) -> Evidence:
    """Everything there is of this run."""
    folder, resume = run_folder(workspace, experiment.run), experiment.training.resume
    parent = read_lines(run_folder(workspace, resume.parent) / "metrics.jsonl") if resume else ()
    notes, compared = folder / "notes.md", bool(experiment.evaluation.compare)
    return Evidence(
        record=lenient(read_json(folder / "record.json") or {}),
        metrics=tuple(map(lenient, read_lines(folder / "metrics.jsonl"))),
        parent=tuple(lenient(line) for line in parent if resume and line.get("step", 0) <= resume.step),
        evaluation=_evaluation(folder, experiment.training.steps),
        comparison=lenient(read_json(folder / experiment.evaluation.results_file)) if compared else None,
        notes=notes.read_text(encoding="utf-8", errors="replace").strip() if notes.is_file() else "",
        files=frozenset(_present(experiment, folder)),
        makes_setup=_makes_setup(workspace),
    )


def _makes_setup(workspace: Path) -> bool:
    try:
        lines = (workspace / "Makefile").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith("setup:") for line in lines)


def _evaluation(folder: Path, planned: int) -> dict[str, Any] | None:
    """That of the planned step; where there is none, the one of the latest step, which the report then says."""
    exact = folder / "evaluation" / f"step_{planned:06d}.json"
    found = [exact] if exact.is_file() else sorted((folder / "evaluation").glob("step_*.json"))
    return lenient(read_json(found[-1])) if found else None


def _present(experiment: Experiment, folder: Path) -> list[str]:
    """Paths below the run's folder that the file index may name."""
    wanted = ["record.json", "metrics.jsonl", "events.jsonl", "notes.md", experiment.evaluation.results_file]
    wanted += [f"evaluation/{path.name}" for path in sorted((folder / "evaluation").glob("step_*.json"))]
    saved = sorted((folder / "checkpoints").glob("step_*/manifest.json"))
    wanted += [f"checkpoints/{path.parent.name}/" for path in saved]
    wanted += [names.document(experiment, "RESULTS", language) for language in experiment.languages]
    return [name for name in wanted if (folder / name).exists()]
