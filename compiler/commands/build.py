"""`expc build`: specs in, everything below `generated/` out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import emit
from ..acknowledge import told
from ..contract import manifest
from ..diagnostics import Diagnostic
from ..pipeline import Compiled, artifacts
from ..workspace import to_build
from .entries import abandoned, entry_of, schema_file, spec_of
from .shared import ERRORS, compile_all, echo, failed, shown, workspace_of


@dataclass
class _Made:
    """What the specs compile to, before anything of it is written; `clash` says why one would overwrite another."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: emit.Texts = field(default_factory=emit.Texts)
    told: dict[str, str] = field(default_factory=dict)  # by run: what is to be said of it besides its files
    clash: str | None = None


def build(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None,
          as_json: bool) -> int:
    """Writes everything, or nothing where any spec has an error."""
    workspace = workspace_of(specs)
    folder = out or workspace / "generated"
    recorded = manifest.read(folder)
    try:
        made = _make(compile_all(to_build(specs, workspace), workspace, profile, overrides), workspace, overrides, recorded)
        if failed(made.diagnostics, as_json):
            return ERRORS
        if made.clash:
            echo(f"error E360: {made.clash}", err=True)
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


def _make(specs: Iterable[Compiled], workspace: Path, overrides: tuple[str, ...], recorded: dict[str, Any]) -> _Made:
    """Renders spec by spec and lets go of each, so that memory does not grow with their number."""
    made, sound = _Made(), True
    made.texts.add(schema_file())
    owners = _owners(recorded)
    for one in specs:
        made.diagnostics += one.diagnostics
        sound = sound and one.experiment is not None and made.clash is None
        if not sound or one.experiment is None:
            continue  # nothing is going to be written; the rest is compiled for its diagnostics
        run, own = one.experiment.run, artifacts(one.experiment)
        made.clash = _clash(one, own, made.texts, owners, workspace)
        if made.clash is None:
            made.entries[run] = entry_of(one, own, workspace, overrides)
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


Owners = dict[str, list[tuple[str, dict[str, Any]]]]


def _owners(recorded: dict[str, Any]) -> Owners:
    """The runs of the manifest, with their entries, by the name of each file that they wrote."""
    owners: Owners = {}
    for run, entry in recorded.items():
        for name in entry["outputs"]:
            owners.setdefault(name, []).append((run, entry))
    return owners


def _clash(one: Compiled, own: dict[str, str], texts: emit.Texts, owners: Owners, workspace: Path) -> str | None:
    """Why this build would overwrite another experiment; None where it would not."""
    assert one.experiment is not None and one.resolved is not None
    mine = spec_of(one, workspace)
    if taken := sorted(name for name in own if name in texts):
        return f"{mine} would overwrite {taken[0]} of another spec in this build; give it a name and launch.name of its own"
    for name in sorted(own):
        for run, entry in owners.get(name, ()):
            if (entry["spec"], entry["profile"]) != (mine, one.resolved.profile) and (workspace / entry["spec"]).is_file():
                return f"{mine} would overwrite {name}, which belongs to {entry['spec']} ({run}); give it names of its own"
    return None


def _is_bash(name: str) -> bool:
    return name.endswith(".sh") and not name.endswith(".tmux.sh")
