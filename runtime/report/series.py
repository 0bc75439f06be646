"""The results document of a series: what each of its runs left behind in, tables, curves and people's notes out.

A figure is taken from a run only where what was trained is what the series lists; everything else is a dash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expc.compiler.contract import names, rendering, series_document
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.metrics import Metric
from expc.compiler.contract.series import Member
from expc.compiler.contract.training import known

from ..files import read_json, write_atomic
from ..journal import read_lines
from ..workspace import run_folder
from .evidence import lenient

FIGURE = "figures/series_loss.png"


@dataclass(frozen=True)
class Run:
    """What there is of one run of the series; `figures` holds its latest measurements by metric."""

    run: str
    outcome: str
    figures: dict[str, float]
    lines: list[dict[str, Any]]
    notes: str


@dataclass(frozen=True)
class Row:
    """One metric of all runs; `marked` where only runs of one group may be compared by it."""

    metric: Metric
    measured: tuple[float | None, ...]
    marked: bool


@dataclass(frozen=True)
class Results:
    """What the template needs beyond the shared context."""

    runs: tuple[Run, ...]
    rows: tuple[Row, ...]
    figure: str


def write(experiment: Experiment, workspace: Path, say: Callable[[str], None]) -> list[Path]:
    """Writes the documents of the series that this run ends, and their figure; returns the documents."""
    if experiment.series is None:
        return []
    folder, members = run_folder(workspace, experiment.run), experiment.series.members
    runs = tuple(_run(workspace, member) for member in members)
    results = Results(runs, tuple(_rows(experiment, runs)), _draw(experiment, runs, folder))
    documents = []
    for language in experiment.languages:
        path = folder / names.series_document(experiment, "RESULTS", language)
        write_atomic(path, rendering.render("documents/series.md.j2",
                                            series_document.context(experiment) | {"results": results}, language))
        say(f"wrote {path.relative_to(workspace)}")
        documents.append(path)
    return documents


def _run(workspace: Path, member: Member) -> Run:
    folder = run_folder(workspace, member.run)
    record = lenient(read_json(folder / "record.json") or {})
    notes = folder / "notes.md"
    words = notes.read_text(encoding="utf-8", errors="replace").strip() if notes.is_file() else ""
    if record["training_sha256"] != member.training_sha256:
        return Run(member.run, "new", {}, [], words)
    lines = list(read_lines(folder / "metrics.jsonl"))
    evaluation = lenient(read_json(folder / "evaluation" / f"step_{member.steps:06d}.json") or {})
    if evaluation["training_sha256"] != member.training_sha256:
        evaluation = lenient({})
    latest: dict[str, Any] = {}
    for line in lines:
        if line.get("kind") == "valid":
            latest |= line
        elif line.get("kind") == "train":
            latest["train_loss"] = line.get("loss")
    latest |= (evaluation["findings"] or {}).get("measured") or {}
    latest["eval.composite"] = (evaluation["composite"] or {}).get("mean")
    latest["train_time"], latest["peak_memory"] = record["train_seconds"], record["peak_memory"]
    return Run(member.run, str(record["outcome"] or "not_run"), latest, lines, words)


def _rows(experiment: Experiment, runs: tuple[Run, ...]) -> list[Row]:
    """Losses of training and validation, the evaluation's figures, and what it took; what no run has is left out."""
    losses = (Metric("train_loss", "nats", "lower"), *known(experiment.validation).measures) if experiment.validation else ()
    others = (*experiment.evaluation.measures, Metric("eval.composite", "fraction", "higher"),
              Metric("train_time", "seconds", "lower"), Metric("peak_memory", "bytes", "lower"))
    rows = [Row(metric, tuple(run.figures.get(metric.name) for run in runs), series_document.within_groups(experiment, metric))
            for metric in (*losses, *others)]
    return [row for row in rows if any(value is not None for value in row.measured)]


def _draw(experiment: Experiment, runs: tuple[Run, ...], folder: Path) -> str:
    """All losses in one picture; its path relative to the run's folder, empty where there is none."""
    if not any(run.lines for run in runs):
        return ""
    from .. import figures

    members = known(experiment.series).members
    several = len({member.losses for member in members}) > 1
    figures.series_curves(folder / FIGURE, f"{known(experiment.series).name}: held-out loss", {
        f"{run.run} ({series_document.letter(member.losses)})" if several else run.run: run.lines
        for run, member in zip(runs, members, strict=True)}, [member.losses for member in members])
    return FIGURE
