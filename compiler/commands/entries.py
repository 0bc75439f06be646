"""What the manifest says of a build, for the commands that write and verify it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .. import emit
from ..contract import canonical
from ..editor_schema import for_editors
from ..pipeline import Compiled, Session

SCHEMA_FILE = "spec.schema.json"


def schema_file() -> dict[str, str]:
    """The one build output that belongs to no experiment: the schema for editors."""
    return {SCHEMA_FILE: canonical.dumps(for_editors())}


def entry_of(one: Compiled, texts: dict[str, str], workspace: Path, overrides: tuple[str, ...]) -> dict[str, Any]:
    """What the manifest records of a build: its spec, profile and overrides, and the hashes of what it read and wrote."""
    assert one.resolved is not None
    inputs = {file.display: emit.digest(file.text) for file in one.inputs}
    outputs = {name: emit.digest(text) for name, text in texts.items()}
    return {"spec": spec_of(one, workspace), "profile": one.resolved.profile, "overrides": list(overrides), "inputs": inputs,
            "outputs": outputs}


def spec_of(one: Compiled, workspace: Path) -> str:
    """The path of a spec as the manifest writes it: relative to the workspace, with forward slashes."""
    return Path(os.path.relpath(one.path, workspace)).as_posix()


def abandoned(recorded: dict[str, Any], workspace: Path) -> tuple[str, ...]:
    """Runs of the manifest whose spec, or whose profile of it, is no longer there."""
    gone, session = [], Session(workspace)
    for run, entry in recorded.items():
        path = workspace / entry["spec"]
        known = session.compile(path).resolved if path.is_file() else None
        if known is None or (entry["profile"] is not None and entry["profile"] not in known.profiles):
            gone.append(run)
    return tuple(gone)
