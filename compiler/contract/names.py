"""Names of what a run leaves behind: launchers, documents, figures. Both sides print and write them.

Paths are relative to the workspace and use `/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # names alone are all that `expc --help` needs, and it should not wait for every family
    from .experiment import Experiment


def generated_folder(run: str) -> str:
    """Where a build puts the snapshot and the design document."""
    return f"generated/{run}"


def snapshot(run: str) -> str:
    """The snapshot that launchers execute."""
    return f"{generated_folder(run)}/snapshot.json"


def run_folder(run: str) -> str:
    """Where a run puts checkpoints, metrics and its results document."""
    return f"runs/{run}"


def checkpoint(run: str, step: int) -> str:
    """The folder of one checkpoint."""
    return f"{run_folder(run)}/checkpoints/step_{step:06d}"


def launcher(experiment: Experiment, target: str) -> str:
    """The launcher of one kind: `<name>[.<profile>][.tmux].sh`, or `.standalone.sh`."""
    profile = f".{experiment.profile}" if experiment.profile else ""
    kind = "" if target == "bash" else f".{target}"
    return f"generated/{experiment.launch.name}{profile}{kind}.sh"


def _series(experiment: Experiment) -> str:
    assert experiment.series is not None
    return experiment.series.name


def series_launcher(experiment: Experiment) -> str:
    """The launcher that runs a series one after another: `series_<name>[.<profile>].sh`."""
    profile = f".{experiment.profile}" if experiment.profile else ""
    return f"generated/series_{_series(experiment)}{profile}.sh"


def series_document(experiment: Experiment, kind: str, language: str) -> str:
    """File name of a series' document (`kind` is DESIGN or RESULTS); the first language owns the plain one."""
    tag = "" if language == experiment.languages[0] else f".{language}"
    return f"SERIES_{_series(experiment).upper()}_{kind}{tag}.md"


def document(experiment: Experiment, kind: str, language: str) -> str:
    """File name of a document (`kind` is DESIGN or RESULTS); the first language owns the plain one."""
    tag = "" if language == experiment.languages[0] else f".{language}"
    return f"EXPERIMENT_{experiment.name.upper()}_{kind}{tag}.md"


def schedule_figure(experiment: Experiment, language: str) -> str:
    """File name of the drawing of the rate's schedule, beside the design document."""
    tag = "" if language == experiment.languages[0] else f".{language}"
    return f"rate_schedule{tag}.svg"
