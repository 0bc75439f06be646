"""The tmux launcher, which runs the bash launcher in a session: an experiment in, the values of `tmux.sh.j2` out."""

from __future__ import annotations

import re
from typing import Any

from ..contract import names
from ..contract.experiment import Experiment
from .bash import build, heading

TEMPLATE = "launchers/tmux.sh.j2"
WANDB = ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_ENTITY", "WANDB_MODE", "WANDB_PROJECT")
"""What Weights & Biases goes by."""


def context(experiment: Experiment, snapshot_sha256: str) -> dict[str, Any]:
    """Plain values; the template quotes each of them where it prints it."""
    return {
        "heading": heading(experiment),
        "launcher": names.launcher(experiment, "tmux"),
        "bash_launcher": names.launcher(experiment, "bash"),
        "session": session(experiment.run),
        "run": experiment.run,
        "run_folder": names.run_folder(experiment.run),
        "build": build(experiment),
        "snapshot_sha256": snapshot_sha256,
        "env_from": [*getattr(getattr(experiment.training.config, "command", None), "env_from", ()),
                     *(WANDB if "wandb" in experiment.trackers else ())],
    }


def session(run: str) -> str:
    """Name of the tmux session of a run: tmux reads `.` and `:` in a name as window and pane."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", run)
