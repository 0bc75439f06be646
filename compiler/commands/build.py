"""`expc build`: specs in, everything below `generated/` out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import emit
from ..acknowledge import told
from ..contract import manifest
from ..pipeline import Compiled, artifacts
from ..workspace import to_build
from .entries import abandoned, entry_of, schema_file, spec_of
from .shared import ERRORS, compile_all, echo, failed, shown, workspace_of


def build(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None,
          as_json: bool) -> int:
    """Writes everything, or nothing where any spec has an error."""
    workspace = workspace_of(specs)
    compiled = compile_all(to_build(specs, workspace), workspace, profile, overrides)
    if failed((diagnostic for one in compiled for diagnostic in one.diagnostics), as_json):
        return ERRORS
    folder = out or workspace / "generated"
    recorded = manifest.read(folder)
    entries, texts = {}, schema_file()
    for one in compiled:
        assert one.experiment is not None
        own = artifacts(one.experiment)
        if clash := _clash(one, own, texts, recorded, workspace):
            echo(f"error E360: {clash}", err=True)
            return ERRORS
        entries[one.experiment.run] = entry_of(one, own, workspace, overrides)
        texts |= own
    try:
        leaving = abandoned(recorded, workspace, compiled if specs else ())
        changed = emit.write_build(folder, entries, texts, leaving, recorded)
    except OSError as error:
        echo(f"error: {error.filename or folder}: {error.strerror}; nothing half-written was left", err=True)
        return ERRORS
    if as_json:
        echo(json.dumps({"runs": sorted(entries), "changed": changed}, indent=2))
        return 0
    for one in compiled:
        assert one.experiment is not None
        files = entries[one.experiment.run]["outputs"]
        touched = sum(name in changed for name in files)
        echo(f"{one.experiment.run}: {len(files)} files, {touched} of them new or changed{told(one.acknowledged)}")
    if out is not None:
        echo(f"written to {shown(folder)} to be read; launchers run from generated/ of a workspace")
        return 0
    launchers = [name for entry in entries.values() for name in entry["outputs"] if _is_bash(name)]
    echo("run: " + "\n     ".join(f"bash {shown(folder / name)}" for name in launchers))
    return 0


def _clash(one: Compiled, own: dict[str, str], texts: dict[str, str], recorded: dict[str, Any], workspace: Path) -> str | None:
    """Why this build would overwrite another experiment; None where it would not."""
    assert one.experiment is not None and one.resolved is not None
    mine = spec_of(one, workspace)
    if taken := sorted(set(own) & set(texts)):
        return f"{mine} would overwrite {taken[0]} of another spec in this build; give it a name and launch.name of its own"
    for run, entry in recorded.items():
        if (entry["spec"], entry["profile"]) == (mine, one.resolved.profile) or not (workspace / entry["spec"]).is_file():
            continue
        if taken := sorted(set(own) & set(entry["outputs"])):
            return f"{mine} would overwrite {taken[0]}, which belongs to {entry['spec']} ({run}); give it names of its own"
    return None


def _is_bash(name: str) -> bool:
    return name.endswith(".sh") and not name.endswith(".tmux.sh")
