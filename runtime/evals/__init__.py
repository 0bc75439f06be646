"""Evaluation: a run's checkpoint and the suites of its spec in, `runs/<run>/evaluation/step_<step>.json` out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from expc.compiler.contract.experiment import Experiment

from .results import evaluation_sha256, result_path

__all__ = ["evaluate", "evaluation_sha256", "result_path"]


def evaluate(experiment: Experiment, workspace: Path, say: Callable[[str], None], step: int | None = None) -> Path:
    """Judges the checkpoint of a step, by default the last planned one; returns the result's file. Raises UserError.

    What only reads results does without torch, which is loaded here.
    """
    from . import stage

    return stage.evaluate(experiment, workspace, say, step)
