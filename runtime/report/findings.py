"""What a family's own evaluation found, for the results document: the evaluation's JSON in, table and exhibits out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.metrics import Metric

from .evidence import Evidence


@dataclass(frozen=True)
class Row:
    """One metric of the model, and the same of what it is compared with, in the order of the columns."""

    metric: Metric
    measured: float | None
    against: tuple[float | None, ...]


@dataclass(frozen=True)
class Findings:
    """`columns` name what the model is compared with; exhibits are by kind, their paths relative to the run's folder."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    exhibits: dict[str, list[dict[str, Any]]]


def findings(experiment: Experiment, evidence: Evidence) -> Findings | None:
    """None where the family has no evaluation of its own, or it has not been run."""
    evaluation = evidence.evaluation
    found = (evaluation or {}).get("findings")
    if evaluation is None or not found:
        return None
    columns, folder = tuple(found["against"] or ()), f"evaluation/step_{evaluation['step']:06d}"
    rows = tuple(Row(metric, found["measured"][metric.name], tuple(found["against"][one][metric.name] for one in columns))
                 for metric in experiment.evaluation.measures)
    exhibits: dict[str, list[dict[str, Any]]] = {"figure": [], "audio": [], "file": []}
    for one in found["exhibits"] or ():
        exhibits[one["kind"]].append({**one, "path": f"{folder}/{one['path']}"})
    return Findings(columns, rows, exhibits)
