"""A plan for programs: plain values, in base units, nothing shortened."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..contract.codec import to_plain
from .changes import Row
from .outlook import phases
from .plan import Plan


def as_plain(one: Plan) -> dict[str, Any]:
    """The plan as JSON holds it; `compared` is none, unreadable, same or changed (gone: see below)."""
    compared = "unreadable" if one.problem else "none" if one.before_sha256 is None else "same" if one.empty else "changed"
    return {
        "run": one.experiment.run,
        "compared": compared,
        "with": one.committed.place,
        "problem": one.problem or one.committed.remark,
        "training_sha256": {"before": one.before_sha256, "after": one.after_sha256},
        "changes": [_row(row) for row in one.rows],
        "predictions": to_plain(one.experiment.predictions),
        "steps": [asdict(part) for part in one.stretches],
        "phases": [to_plain(phase) for phase in phases(one.experiment.training)],
        "targets": [to_plain(target) for target in one.outlooks],
    }


def gone_as_plain(run: str, files: list[str]) -> dict[str, Any]:
    """A run that no spec gives any more; `compared` is gone."""
    return {"run": run, "compared": "gone", "deletes": [f"generated/{name}" for name in files]}


def _row(row: Row) -> dict[str, Any]:
    return {"key": row.key, "before": row.before, "after": row.after, "factor": row.factor, "unit": row.unit,
            "effect": row.effect, "derived": row.derived}
