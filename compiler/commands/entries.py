"""What the manifest says of a build, for the commands that write and verify it."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from sys import intern
from typing import Any

from .. import emit
from ..contract import canonical, manifest
from ..editor_schema import for_editors
from ..frontend.resolve import resolve
from ..pipeline import Compiled
from .owners import spec_of

SCHEMA_FILE = "spec.schema.json"


def schema_file() -> dict[str, str]:
    """The one build output that belongs to no experiment: the schema for editors."""
    return {SCHEMA_FILE: canonical.dumps(for_editors())}


def entry_of(one: Compiled, texts: dict[str, str], workspace: Path) -> dict[str, Any]:
    """What the manifest records of a build: its spec, profile and overrides, and the hashes of what it read and wrote."""
    assert one.resolved is not None
    # Specs of a series read the same files: their names and hashes are kept once.
    inputs = {intern(file.display): intern(emit.digest(file.text)) for file in one.inputs}
    outputs = {name: emit.digest(text) for name, text in texts.items()}
    return {"spec": spec_of(one, workspace), "profile": one.resolved.profile, "overrides": list(one.overrides),
            "inputs": inputs, "outputs": outputs}


def is_foreign(folder: Path) -> bool:
    """Whether a folder holds what no build of ours wrote."""
    listed = folder / manifest.NAME
    ours = listed.is_file() and f'"{manifest.FORMAT}"' in listed.read_text(encoding="utf-8", errors="replace")
    return folder.exists() and not ours and not (folder.is_dir() and not any(folder.iterdir()))


def abandoned(recorded: dict[str, Any], workspace: Path, built: Container[tuple[str, str | None]] | None = None,
              ) -> tuple[str, ...]:
    """Runs of the manifest that no spec gives any more: it is gone, or its profile is, or it has another name now.

    With `built`, only runs of these specs and profiles.
    """
    return tuple(run for run, entry in recorded.items()
                 if (built is None or (entry["spec"], entry["profile"]) in built) and not _is_given(run, entry, workspace))


def deleted(recorded: dict[str, Any], gone: tuple[str, ...]) -> dict[str, list[str]]:
    """By run that is gone, the files below `generated/` that a build deletes: those that no other run has too."""
    kept = {name for run, entry in recorded.items() if run not in gone for name in entry["outputs"]}
    return {run: [name for name in recorded[run]["outputs"] if name not in kept] for run in gone}


def _is_given(run: str, entry: dict[str, Any], workspace: Path) -> bool:
    path, profile = (workspace / entry["spec"]).resolve(), entry["profile"]
    bare = resolve(path, workspace=workspace)[0] if path.is_file() else None
    if bare is None or profile not in (None, *bare.profiles):
        return False
    named = resolve(path, workspace=workspace, profile=profile)[0]
    name = named.value("name") if named else None
    # An override may have named the run; a name that cannot be read is the business of a diagnostic.
    return bool(entry["overrides"]) or not isinstance(name, str) or run == (f"{name}.{profile}" if profile else name)
