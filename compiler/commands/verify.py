"""`expc build --check`: the files on disk in, what is wrong with each of them out."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .. import emit
from ..pipeline import Compiled, Session, artifacts
from ..workspace import all_specs, to_build
from .entries import abandoned, entry_of, schema_file
from .shared import ERRORS, STALE, compile_all, failed, sessions, shown, workspace_of


def verify(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None,
           as_json: bool) -> int:
    """Whether the files on disk are what a build would write; says of each that is not what is wrong with it."""
    workspace = workspace_of(specs)
    folder = out or workspace / "generated"
    recorded = emit.read_manifest(folder)
    gone: tuple[str, ...] = ()
    if specs:
        compiled = [(one, overrides) for one in compile_all(to_build(specs, workspace), workspace, profile, overrides)]
    else:
        gone = abandoned(recorded, workspace)
        compiled = _of_manifest({run: entry for run, entry in recorded.items() if run not in gone}, workspace)
    if failed((diagnostic for one, _ in compiled for diagnostic in one.diagnostics), as_json):
        return ERRORS
    found = emit.stale(folder, schema_file(), {})
    for one, forced in compiled:
        assert one.experiment is not None
        texts = artifacts(one.experiment)
        known = recorded.get(one.experiment.run, {})
        found += emit.stale(folder, texts, known.get("outputs", {}))
        if known != entry_of(one, texts, workspace, forced):
            found.append(emit.Stale(emit.MANIFEST, f"out of date for {one.experiment.run}"))
    found += [emit.Stale(name, f"orphaned, {run} is no longer specified") for run in gone for name in recorded[run]["outputs"]]
    if not specs and not recorded:
        found.append(emit.Stale(emit.MANIFEST, "missing"))
    if as_json:
        click.echo(json.dumps([asdict(file) for file in found], indent=2))
    else:
        for file in found:
            click.echo(f"{shown(folder / file.file)}: {file.why}", err=True)
        fine = f"{len(compiled)} builds are up to date"
        click.echo("run `expc build` again and commit what it writes" if found else fine, err=bool(found))
    return STALE if found else 0


def _of_manifest(recorded: dict[str, Any], workspace: Path) -> list[tuple[Compiled, tuple[str, ...]]]:
    """Every entry of the manifest, and every spec that it lacks, compiled anew."""
    shared = sessions(workspace)
    wanted = [(workspace / entry["spec"], entry["profile"], tuple(entry["overrides"])) for entry in recorded.values()]
    listed = {path.resolve() for path, _, _ in wanted}
    wanted += [(path, None, ()) for path in all_specs(workspace) if path.resolve() not in listed]
    compiled = []
    for path, profile, overrides in wanted:
        session = Session(workspace, profile) if overrides else shared(profile)
        compiled.append((session.compile(path, overrides), overrides))
    return compiled
