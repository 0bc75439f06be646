"""`expc build`: specs in, everything below `generated/` out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from .. import emit
from ..acknowledge import told
from ..contract import manifest
from ..diagnostics import Diagnostic
from ..pipeline import Compiled, artifacts
from ..workspace import to_build
from .entries import abandoned, entry_of, is_foreign, schema_file
from .owners import owned
from .shared import ERRORS, compile_all, echo, failed, shown, workspace_of


@dataclass
class _Made:
    """What the specs compile to, before anything of it is written."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: emit.Texts = field(default_factory=emit.Texts)
    told: dict[str, str] = field(default_factory=dict)  # by run: what is to be said of it besides its files


def build(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None,
          as_json: bool) -> int:
    """Writes everything, or nothing where any spec has an error."""
    workspace = workspace_of(specs)
    folder = out or workspace / "generated"
    recorded = manifest.read(folder)
    try:
        if out is not None and os.path.isdir(out) and is_foreign(out):  # of a name that is too long, isdir says no
            raise click.UsageError(f"{shown(out)} holds what no build made; name a folder that is new or empty")
        compiled = compile_all(to_build(specs, workspace), workspace, profile, overrides)
        made = _make(owned(compiled, workspace, recorded), workspace)
        if failed(made.diagnostics, as_json):
            return ERRORS
        built = {(entry["spec"], entry["profile"]) for entry in made.entries.values()}
        leaving = abandoned(recorded, workspace, built if specs else None)
        changed = emit.write_build(folder, made.entries, made.texts, leaving, recorded)
    except OSError as error:
        echo(f"error: {error.filename or folder}: {error.strerror}; nothing half-written was left", err=True)
        return ERRORS
    if as_json:
        echo(json.dumps({"runs": sorted(made.entries), "changed": changed}, indent=2))
    else:
        _say_what_was_written(folder, made, set(changed), out is not None)
    return 0


def _make(specs: Iterable[Compiled], workspace: Path) -> _Made:
    """Renders spec by spec and lets go of each, so that memory does not grow with their number."""
    made, sound = _Made(), True
    made.texts.add(schema_file())
    for one in specs:
        made.diagnostics += one.diagnostics
        sound = sound and one.experiment is not None
        if not sound or one.experiment is None:
            continue  # nothing is going to be written; the rest is compiled for its diagnostics
        run, own = one.experiment.run, artifacts(one.experiment)
        made.entries[run] = entry_of(one, own, workspace)
        made.told[run] = told(one.acknowledged)
        made.texts.add(own)
    return made


def _say_what_was_written(folder: Path, made: _Made, changed: set[str], elsewhere: bool) -> None:
    for run, entry in made.entries.items():
        files = entry["outputs"]
        touched = sum(name in changed for name in files)
        echo(f"{run}: {len(files)} files, {touched} of them new or changed{made.told[run]}")
    if elsewhere:
        echo(f"written to {shown(folder)} to be read; launchers run from generated/ of a workspace")
        return
    launchers = [name for entry in made.entries.values() for name in entry["outputs"] if _is_bash(name)]
    echo("run: " + "\n     ".join(f"bash {shown(folder / name)}" for name in launchers))


def _is_bash(name: str) -> bool:
    return name.endswith(".sh") and not name.endswith(".tmux.sh")
