"""The snapshot that a command names: read, verified, and nothing taken on trust."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from expc.compiler.contract import manifest
from expc.compiler.contract import snapshot as contract
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.files import write_atomic

from .errors import MISUSED, UserError
from .workspace import find_workspace, run_folder


@dataclass(frozen=True)
class Loaded:
    """A verified snapshot, its workspace, and its text."""

    experiment: Experiment
    workspace: Path
    sha256: str
    text: str


def load(path: Path) -> Loaded:
    """The snapshot at a path (or in the folder at that path). Raises UserError."""
    if path.is_dir():
        path = path / "snapshot.json"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; `expc build` writes snapshots to generated/", MISUSED) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text; run `expc build` again", MISUSED) from error
    try:
        experiment = contract.loads(text)
    except contract.BadSnapshot as error:
        raise UserError(f"{path}: {error}", MISUSED) from error
    if manifest.recorded(path.parent.parent, f"{path.parent.name}/{path.name}") not in (None, _digest(text)):
        raise UserError(f"{path} is not the one that its build recorded in {manifest.NAME}: the build was cut short, or the "
                        "file was replaced; run `expc build` again", MISUSED)
    return Loaded(experiment, find_workspace(path), contract.stated_sha256(text), text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def keep_copy(loaded: Loaded) -> None:
    """Puts the snapshot that is executed into the run's folder."""
    target = run_folder(loaded.workspace, loaded.experiment.run) / "snapshot.json"
    if not target.is_file() or target.read_text(encoding="utf-8") != loaded.text:
        write_atomic(target, loaded.text)
