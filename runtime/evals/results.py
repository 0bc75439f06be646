"""Evaluation results on disk: where they lie, what makes two of them comparable, and what makes one out of date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from expc.compiler.contract import canonical
from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.snapshot import training_sha256

from ..files import MANIFEST, sha256_of
from ..workspace import checkpoint_folder, run_folder
from .indicators import VERSION

FORMAT = "expc.evaluation/1"


def evaluation_sha256(experiment: Experiment) -> str:
    """The identity of what is asked and of how it is judged; titles are words for people and stand outside."""
    suites = [{name: value for name, value in to_plain(suite).items() if name != "title"}
              for suite in experiment.evaluation.suites]
    judge = experiment.watching.judge if experiment.watching else None
    judged_by = {"judge": to_plain(judge)} if judge else {"indicators": VERSION} if suites else {}
    return canonical.sha256({"suites": suites, **judged_by})


def result_path(workspace: Path, run: str, step: int) -> Path:
    """Where the evaluation of a step lies."""
    return run_folder(workspace, run) / "evaluation" / f"step_{step:06d}.json"


def exhibits_folder(workspace: Path, run: str, step: int) -> Path:
    """Where a family's evaluation of a step leaves what can be looked at or listened to."""
    return run_folder(workspace, run) / "evaluation" / f"step_{step:06d}"


def checkpoint_sha256(workspace: Path, run: str, step: int) -> str | None:
    """The identity of a checkpoint: the hash of its manifest, which holds those of its files; None where it is gone."""
    manifest = checkpoint_folder(workspace, run, step) / MANIFEST
    return sha256_of(manifest) if manifest.is_file() else None


def identity(experiment: Experiment, step: int) -> dict[str, Any]:
    """What a result of this step says of itself, beside the checkpoint that it is of."""
    return {"format": FORMAT, "run": experiment.run, "step": step,
            "training_sha256": training_sha256(experiment.training),
            "evaluation_sha256": evaluation_sha256(experiment)}


def why_unfit(experiment: Experiment, result: dict[str, Any], step: int, checkpoint: str | None) -> str | None:
    """The code of what keeps a result from standing for this step, or None.

    `checkpoint` is the identity of the checkpoint as it lies there now; None where it has been deleted since.
    """
    wanted = identity(experiment, step)
    if any(result.get(key) != wanted[key] for key in ("run", "training_sha256")):
        return "other_training"
    same = all(result.get(key) == value for key, value in wanted.items())
    return None if same and checkpoint in (None, result.get("checkpoint_sha256")) else "stale_evaluation"
