"""Which run to watch: the one that is named, or the only one that trains now."""

from __future__ import annotations

from pathlib import Path

from ..errors import MISUSED, UserError
from ..workspace import run_folder
from .status import rows, table


def chosen(workspace: Path, name: str | None) -> Path:
    """The folder of the run; one that has been built may begin later. Raises UserError, which lists what there is."""
    if name is None:
        found = rows(workspace)
        alive = [row["run"] for row in found if row["outcome"] == "running"]
        if len(alive) == 1:
            return run_folder(workspace, alive[0])
        why = "several runs train now" if alive else "no run trains now"
        raise UserError("\n".join([f"{why}; name one: expc watch RUN", *(table(found) if found else [])]), MISUSED)
    for known in ("runs", "generated"):
        if (workspace / known / name).is_dir() and Path(name).name == name:
            return run_folder(workspace, name)
    raise UserError(f"there is no run {name} in {workspace / 'runs'}; `expc status` lists runs", MISUSED)
