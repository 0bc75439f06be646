"""What the commands do, apart from reading the command line: each takes plain arguments, prints, and returns its exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import click

from . import emit, render
from .acknowledge import Acknowledged, told
from .contract import canonical
from .contract.workspace import find_workspace
from .diagnostics import Diagnostic, Severity, has_errors, nearest, ordered
from .handbook import HANDBOOK
from .pipeline import Compiled, Session, artifacts
from .plan import as_plain, as_text
from .plan import plan as planned
from .spec_schema import for_editors
from .workspace import all_specs, chosen, to_build

ERRORS, STALE = 1, 2
SCHEMA_FILE = "spec.schema.json"


def _workspace(specs: tuple[Path, ...]) -> Path:
    start = specs[0].resolve().parent if specs else Path.cwd()
    found = find_workspace(start)
    if found is None:
        raise click.UsageError(f"no folder above {start} holds specs/; run this inside a workspace")
    return found


def _say(found: Iterable[Diagnostic], form: str = "text") -> bool:
    """Prints diagnostics; whether there is an error among them."""
    found = ordered(found)
    if form == "text":
        if found:
            click.echo(render.as_text(found, colour=_colour()), err=True)
    else:
        click.echo({"json": render.as_json, "sarif": render.as_sarif, "github": render.as_github}[form](found))
    return has_errors(found)


def _failed(found: Iterable[Diagnostic], as_json: bool) -> bool:
    """Whether there is an error. Prints the diagnostics: errors as JSON where that is asked for, warnings beside it as text."""
    found = list(found)
    return _say(found, "json" if as_json and has_errors(found) else "text")


def _colour() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


def _sessions(workspace: Path) -> Callable[[str | None], Session]:
    """One session a profile, so that specs which refer to one another are compiled once."""
    return cache(lambda profile: Session(workspace, profile))


def check(specs: tuple[Path, ...], form: str) -> int:
    """All diagnostics of the specs, bare and under each of their profiles."""
    workspace = _workspace(specs)
    session, count = _sessions(workspace), 0
    found: list[Diagnostic] = []
    taken: list[Acknowledged] = []
    for spec in chosen(specs, workspace):
        for one in _every_profile(spec, session):
            found += one.diagnostics
            taken += one.acknowledged
            count += 1
    failed = _say(found, form)
    if not failed and form == "text":
        warnings = sum(one.severity is Severity.WARNING for one in ordered(found))
        click.echo(f"{count} experiments are sound" + (f", {warnings} warnings" if warnings else "") + told(taken))
    return ERRORS if failed else 0


def _every_profile(spec: Path, session: Callable[[str | None], Session]) -> Iterator[Compiled]:
    bare = session(None).compile(spec)
    yield bare
    for name in bare.resolved.profiles if bare.resolved else ():
        yield session(name).compile(spec)


def _compiled(specs: list[Path], workspace: Path, profile: str | None, overrides: tuple[str, ...]) -> list[Compiled]:
    shared = Session(workspace, profile)
    # Overrides hold for one spec; another that refers to it has to see it without them.
    return [(Session(workspace, profile) if overrides else shared).compile(spec, overrides) for spec in specs]


def _entry(one: Compiled, texts: dict[str, str], workspace: Path, overrides: tuple[str, ...]) -> dict[str, Any]:
    assert one.resolved is not None
    inputs = {file.display: emit.digest(file.text) for file in one.inputs}
    outputs = {name: emit.digest(text) for name, text in texts.items()}
    spec = Path(os.path.relpath(one.path, workspace)).as_posix()
    return {"spec": spec, "profile": one.resolved.profile, "overrides": list(overrides), "inputs": inputs,
            "outputs": outputs}


def build(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None,
          as_json: bool) -> int:
    """Writes everything, or nothing where any spec has an error."""
    workspace = _workspace(specs)
    compiled = _compiled(to_build(specs, workspace), workspace, profile, overrides)
    if _failed((diagnostic for one in compiled for diagnostic in one.diagnostics), as_json):
        return ERRORS
    folder = out or workspace / "generated"
    recorded = emit.read_manifest(folder)
    entries, texts = {}, {SCHEMA_FILE: canonical.dumps(for_editors())}
    for one in compiled:
        assert one.experiment is not None
        own = artifacts(one.experiment)
        if clash := _clash(one, own, texts, recorded, workspace):
            click.echo(f"error E360: {clash}", err=True)
            return ERRORS
        entries[one.experiment.run] = _entry(one, own, workspace, overrides)
        texts |= own
    try:
        changed = emit.write_build(folder, entries, texts, () if specs else _gone(recorded, workspace))
    except OSError as error:
        click.echo(f"error: {error.filename or folder}: {error.strerror}; nothing half-written was left", err=True)
        return ERRORS
    if as_json:
        click.echo(json.dumps({"runs": sorted(entries), "changed": changed}, indent=2))
        return 0
    for one in compiled:
        assert one.experiment is not None
        files = entries[one.experiment.run]["outputs"]
        touched = sum(name in changed for name in files)
        click.echo(f"{one.experiment.run}: {len(files)} files, {touched} of them new or changed{told(one.acknowledged)}")
    if out is not None:
        click.echo(f"written to {_shown(folder)} to be read; launchers run from generated/ of a workspace")
        return 0
    launchers = [name for entry in entries.values() for name in entry["outputs"] if _is_bash(name)]
    click.echo("run: " + "\n     ".join(f"bash {_shown(folder / name)}" for name in launchers))
    return 0


def _clash(one: Compiled, own: dict[str, str], texts: dict[str, str], recorded: dict[str, Any], workspace: Path) -> str | None:
    """Why this build would overwrite another experiment; None where it would not."""
    assert one.experiment is not None and one.resolved is not None
    mine = Path(os.path.relpath(one.path, workspace)).as_posix()
    if taken := sorted(set(own) & set(texts)):
        return f"{mine} would overwrite {taken[0]} of another spec in this build; give it a name and launch.name of its own"
    for run, entry in recorded.items():
        if (entry["spec"], entry["profile"]) == (mine, one.resolved.profile) or not (workspace / entry["spec"]).is_file():
            continue
        if taken := sorted(set(own) & set(entry["outputs"])):
            return f"{mine} would overwrite {taken[0]}, which belongs to {entry['spec']} ({run}); give it names of its own"
    return None


def _gone(recorded: dict[str, Any], workspace: Path) -> tuple[str, ...]:
    """Runs of the manifest whose spec, or whose profile of it, is no longer there."""
    gone, session = [], Session(workspace)
    for run, entry in recorded.items():
        path = workspace / entry["spec"]
        known = session.compile(path).resolved if path.is_file() else None
        if known is None or (entry["profile"] is not None and entry["profile"] not in known.profiles):
            gone.append(run)
    return tuple(gone)


def _is_bash(name: str) -> bool:
    return name.endswith(".sh") and not name.endswith(".tmux.sh")


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def verify(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], out: Path | None,
           as_json: bool) -> int:
    """Whether the files on disk are what a build would write; says of each that is not what is wrong with it."""
    workspace = _workspace(specs)
    folder = out or workspace / "generated"
    recorded = emit.read_manifest(folder)
    gone: tuple[str, ...] = ()
    if specs:
        compiled = [(one, overrides) for one in _compiled(to_build(specs, workspace), workspace, profile, overrides)]
    else:
        gone = _gone(recorded, workspace)
        compiled = _of_manifest({run: entry for run, entry in recorded.items() if run not in gone}, workspace)
    if _failed((diagnostic for one, _ in compiled for diagnostic in one.diagnostics), as_json):
        return ERRORS
    found = emit.stale(folder, {SCHEMA_FILE: canonical.dumps(for_editors())}, {})
    for one, forced in compiled:
        assert one.experiment is not None
        texts = artifacts(one.experiment)
        known = recorded.get(one.experiment.run, {})
        found += emit.stale(folder, texts, known.get("outputs", {}))
        if known != _entry(one, texts, workspace, forced):
            found.append(emit.Stale(emit.MANIFEST, f"out of date for {one.experiment.run}"))
    found += [emit.Stale(name, f"orphaned, {run} is no longer specified") for run in gone for name in recorded[run]["outputs"]]
    if not specs and not recorded:
        found.append(emit.Stale(emit.MANIFEST, "missing"))
    if as_json:
        click.echo(json.dumps([asdict(file) for file in found], indent=2))
    else:
        for file in found:
            click.echo(f"{_shown(folder / file.file)}: {file.why}", err=True)
        fine = f"{len(compiled)} builds are up to date"
        click.echo("run `expc build` again and commit what it writes" if found else fine, err=bool(found))
    return STALE if found else 0


def _of_manifest(recorded: dict[str, Any], workspace: Path) -> list[tuple[Compiled, tuple[str, ...]]]:
    """Every entry of the manifest, and every spec that it lacks, compiled anew."""
    shared = _sessions(workspace)
    wanted = [(workspace / entry["spec"], entry["profile"], tuple(entry["overrides"])) for entry in recorded.values()]
    listed = {path.resolve() for path, _, _ in wanted}
    wanted += [(path, None, ()) for path in all_specs(workspace) if path.resolve() not in listed]
    compiled = []
    for path, profile, overrides in wanted:
        session = Session(workspace, profile) if overrides else shared(profile)
        compiled.append((session.compile(path, overrides), overrides))
    return compiled


def plan(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], against: str | None,
         as_json: bool) -> int:
    """Predictions and the difference to what is built."""
    workspace = _workspace(specs)
    compiled = _compiled(list(specs), workspace, profile, overrides)
    if _failed((diagnostic for one in compiled for diagnostic in one.diagnostics), as_json):
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


def explain(subject: str, key: str | None, profile: str | None, overrides: tuple[str, ...], as_json: bool) -> int:
    """A diagnostic's explanation, or the layers of a value."""
    path = Path(subject)
    if key is None and not path.exists():
        return _explain_code(subject, as_json)
    if key is None:
        raise click.UsageError(f"which key of {subject}? for instance: expc explain {subject} optimizer.matrix_lr")
    compiled = Session(_workspace((path,)), profile).compile(path, overrides)
    resolved = compiled.resolved
    layers = resolved.layers(key) if resolved else []
    unread = [one for one in compiled.diagnostics if not one.code.startswith(("E1", "E3", "W3"))]
    if _failed(unread, as_json):
        return ERRORS
    if not layers:
        raise click.UsageError(f"{subject} has no value at {key}")
    if as_json:
        rows = [{"layer": one.layer.name, "value": one.value, "place": str(one.span)} for one in layers]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    width = max(len(one.layer.name) for one in layers)
    for one in layers:
        value = json.dumps(one.value, ensure_ascii=False)
        place = "" if one.layer.kind == "default" else f"  {one.span}"
        click.echo(f"{one.layer.name:<{width}}  {value}{place}")
    click.echo(f"{key} = {json.dumps(resolved.value(key) if resolved else None, ensure_ascii=False)}")
    return 0


def _explain_code(code: str, as_json: bool) -> int:
    one = HANDBOOK.get(code.upper())
    if one is None:
        near = nearest(code.upper(), HANDBOOK)
        raise click.UsageError(f"there is no diagnostic {code}" + (f"; did you mean {near}?" if near else ""))
    click.echo(json.dumps(asdict(one), indent=2, ensure_ascii=False) if as_json else one.shown())
    return 0
