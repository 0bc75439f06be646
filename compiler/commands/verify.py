"""`expc build --check`: the files on disk in; what is wrong with each of them, and what to do about it, out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import emit
from ..contract import manifest
from ..contract.record import dataclass
from ..diagnostics import Diagnostic
from ..pipeline import Compiled, Session, artifacts
from ..workspace import all_specs, to_build
from .entries import abandoned, entry_of, schema_file, spec_of
from .owners import owned
from .shared import ERRORS, STALE, compile_all, echo, failed, sessions, shown, workspace_of


@dataclass(frozen=True)
class Found:
    """A file that is not what a build would write: what is wrong with it, and what to do."""

    file: str
    why: str
    next: str


def verify(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None,
           as_json: bool) -> int:
    """Whether the files on disk are what a build with the same arguments would write. Without any, whether they are what
    the manifest lists, nothing more and nothing less."""
    workspace = workspace_of(specs)
    folder = out or workspace / "generated"
    recorded = manifest.read(folder)
    is_all = not (specs or profile or overrides)
    gone = abandoned(recorded, workspace) if is_all else ()
    kept = {run: entry for run, entry in recorded.items() if run not in gone}
    compiled = _of_manifest(kept, workspace) if is_all else compile_all(
        to_build(specs, workspace), workspace, profile, overrides)
    diagnostics: list[Diagnostic] = []
    built: list[tuple[str, str | None]] = []
    again = _command(None, None, (), out)
    found = [Found(one.file, one.why, again) for one in emit.stale(folder, schema_file(), {})]
    for one in owned(compiled, workspace, kept):
        diagnostics += one.diagnostics
        built.append((spec_of(one, workspace), one.resolved.profile if one.resolved else None))
        found += _of_build(one, folder, recorded, workspace, out)
    if failed(diagnostics, as_json):
        return ERRORS
    found += [Found(name, f"orphaned, {run} is no longer specified", again)
              for run in (gone if is_all else abandoned(recorded, workspace, set(built))) for name in recorded[run]["outputs"]]
    if is_all:
        found += _strangers(folder, recorded, again)
    return _report(found, len(built), folder, as_json)


def _of_manifest(recorded: dict[str, Any], workspace: Path) -> Iterator[Compiled]:
    """Every entry of the manifest, and every spec that it lacks, compiled anew."""
    shared = sessions(workspace)
    wanted = [(workspace / entry["spec"], entry["profile"], tuple(entry["overrides"])) for entry in recorded.values()]
    listed = {path.resolve() for path, _, _ in wanted}
    wanted += [(path, None, ()) for path in all_specs(workspace) if path.resolve() not in listed]
    for path, profile, overrides in wanted:
        session = Session(workspace, profile) if overrides else shared(profile)
        yield session.compile(path, overrides)


def _of_build(one: Compiled, folder: Path, recorded: dict[str, Any], workspace: Path, out: Path | None) -> Iterator[Found]:
    if one.experiment is None:
        return  # its diagnostics are going to be told instead
    run, texts = one.experiment.run, artifacts(one.experiment)
    known = recorded.get(run, {})
    again = _command(spec_of(one, workspace), one.experiment.profile, one.overrides, out)
    for stale in emit.stale(folder, texts, known.get("outputs", {})):
        kept = "" if stale.why != "changed by hand" else "  (it overwrites what was changed; put that into the spec)"
        yield Found(stale.file, stale.why, again + kept)
    if known != entry_of(one, texts, workspace):
        yield Found(manifest.NAME, f"out of date for {run}" if known else f"does not list {run}", again)


def _strangers(folder: Path, recorded: dict[str, Any], again: str) -> Iterator[Found]:
    """A manifest that is not there, without which nobody knows what builds made; else files that none made. Git's own
    (.gitattributes) may be there."""
    if not recorded:
        is_there = (folder / manifest.NAME).is_file()
        yield Found(manifest.NAME, "lists nothing that can be read" if is_there else "missing", again)
        return
    owned = {name for entry in recorded.values() for name in entry["outputs"]} | {manifest.NAME, *schema_file()}
    there = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())
    for name in there:
        if name not in owned and not Path(name).name.startswith(".git"):
            yield Found(name, "made by no build", f"move it elsewhere, or delete it: {folder.name}/ is overwritten by builds")


def _command(spec: str | None, profile: str | None, overrides: tuple[str, ...], out: Path | None) -> str:
    words = ["expc", "build", *([spec] if spec else []), *([] if out is None else ["--out", str(out)]),
             *(["--profile", profile] if profile else []), *(word for one in overrides for word in ("--set", one))]
    return shlex.join(words)


def _report(found: list[Found], count: int, folder: Path, as_json: bool) -> int:
    if as_json:
        echo(json.dumps([{"file": one.file, "why": one.why, "next": one.next} for one in found], indent=2))
    elif not found:
        echo(f"{count} builds are up to date" if count != 1 else "1 build is up to date")
    else:
        steps: dict[str, list[Found]] = {}
        for one in found:
            steps.setdefault(one.next, []).append(one)
        for step, files in steps.items():
            for one in files:
                echo(f"{shown(folder / one.file)}: {one.why}", err=True)
            echo(f"  next: {step}", err=True)
    return STALE if found else 0
