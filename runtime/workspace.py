"""Where things lie: the workspace around a snapshot, and the folders of runs and prepared data in it."""

from __future__ import annotations

from pathlib import Path

from expc.compiler.contract import names
from expc.compiler.contract import workspace as contract

from .errors import MISUSED, UserError


def find_workspace(start: Path) -> Path:
    """The nearest folder upwards that holds `specs/`. Raises UserError."""
    found = contract.find_workspace(start)
    if found is None:
        raise UserError(f"no folder above {start.resolve()} holds specs/; run this inside a workspace", MISUSED)
    return found


def run_folder(workspace: Path, run: str) -> Path:
    """The folder of one run."""
    return workspace / names.run_folder(run)


def checkpoint_folder(workspace: Path, run: str, step: int) -> Path:
    """The folder of the run's checkpoint at a step."""
    return workspace / names.checkpoint(run, step)


def data_folder(workspace: Path, key: str) -> Path:
    """Prepared data, by the hash of what determines it."""
    return workspace / "runs" / ".data" / key[:16]
