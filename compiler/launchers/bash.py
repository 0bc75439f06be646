"""The bash launcher: an experiment and its snapshot's hash in, the names and values of `bash.sh.j2` out."""

from __future__ import annotations

from typing import Any

from ..contract import names, quantities, rendering
from ..contract.experiment import Experiment

TEMPLATE = "launchers/bash.sh.j2"


def context(experiment: Experiment, snapshot_sha256: str) -> dict[str, Any]:
    """Plain values; the template quotes each of them where it prints it."""
    training = experiment.training
    return {
        "heading": heading(experiment),
        "launcher": names.launcher(experiment, "bash"),
        "run": experiment.run,
        "run_folder": names.run_folder(experiment.run),
        "snapshot": names.snapshot(experiment.run),
        "snapshot_sha256": snapshot_sha256,
        "first_step": quantities.integer(training.start),
        "last_step": quantities.integer(training.steps),
        "measures": ", ".join(metric.name for metric in experiment.evaluation.measures),
        "suites": ", ".join(suite.name for suite in experiment.evaluation.suites),
        "compared": ", ".join(other.run for other in experiment.evaluation.compare),
        "ranks": training.batch.ranks if training.batch and not experiment.watching else 1,
        "gpu": experiment.hardware.target != "cpu" and not experiment.watching,
        "build": build(experiment),
    }


def heading(experiment: Experiment) -> str:
    """Name, profile and title of the experiment, for the first line of a launcher."""
    profile = f" with profile {experiment.profile}" if experiment.profile else ""
    return f"Experiment {experiment.name}{profile}: {rendering.say(experiment.title, 'en')}"


def build(experiment: Experiment) -> str:
    """The command that makes the launcher and its snapshot again."""
    return f"expc build --profile {experiment.profile}" if experiment.profile else "expc build"
