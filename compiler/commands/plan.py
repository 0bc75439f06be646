"""`expc plan`: specs in, predictions and the difference to what is built out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from ..plan import as_plain, as_text
from ..plan import plan as planned
from .shared import ERRORS, STALE, compile_all, failed, workspace_of


def plan(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], against: str | None,
         as_json: bool) -> int:
    """Predictions and the difference to what is built."""
    workspace = workspace_of(specs)
    compiled = compile_all(list(specs), workspace, profile, overrides)
    if failed((diagnostic for one in compiled for diagnostic in one.diagnostics), as_json):
        return ERRORS
    plans = [planned(one.experiment, _committed(workspace, one.experiment.run, against))
             for one in compiled if one.experiment is not None]
    if as_json:
        click.echo(json.dumps([as_plain(one) for one in plans], indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(map(as_text, plans)))
    return 0 if all(one.empty for one in plans) else STALE


def _committed(workspace: Path, run: str, against: str | None) -> str | None:
    name = f"generated/{run}/snapshot.json"
    if against is None:
        path = workspace / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    import git

    try:
        repository = git.Repo(workspace, search_parent_directories=True)
        top = Path(str(repository.working_tree_dir))
        blob = repository.commit(against).tree / os.path.relpath(workspace / name, top)
    except KeyError:
        return None
    except (git.exc.GitError, git.exc.ODBError, ValueError, IndexError, RuntimeError) as error:
        raise click.UsageError(f"git has no revision {against!r} here ({type(error).__name__})") from None
    return blob.data_stream.read().decode()
