"""The prepare stage: data as the family wants them, made once, shared by every run that needs the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from expc.compiler.contract import canonical
from expc.compiler.contract.experiment import Experiment

from . import families
from .files import broken, read_json, remove_leftovers, seal, whole_folder, write_json
from .lock import exclusive
from .progress import say
from .workspace import data_folder

FINGERPRINT = "fingerprint.json"


def prepared(experiment: Experiment, workspace: Path) -> tuple[Path, dict[str, Any] | None]:
    """Where the run's data lie, and their fingerprint; None if they have not been made or are not whole any more."""
    family = families.load(experiment.training.family)
    folder = data_folder(workspace, canonical.sha256(family.data_key(experiment.training, workspace)))
    if why := folder.is_dir() and broken(folder):
        say(f"{folder.relative_to(workspace)} has to be made again: {why}")
    if why or not folder.is_dir():
        return folder, None
    fingerprint = read_json(folder / FINGERPRINT)
    return folder, fingerprint if isinstance(fingerprint, dict) else None


def prepare(experiment: Experiment, workspace: Path) -> tuple[Path, dict[str, Any]]:
    """Makes the run's data unless they are there; returns folder and fingerprint."""
    folder, fingerprint = prepared(experiment, workspace)
    if fingerprint is None:
        with exclusive(folder.parent / f"{folder.name}.lock", "the data being prepared", wait=True):
            folder, fingerprint = prepared(experiment, workspace)
            if fingerprint is None:
                remove_leftovers(folder.parent, f".{folder.name}.")
                with whole_folder(folder) as temporary:
                    family = families.load(experiment.training.family)
                    fingerprint = family.prepare(experiment.training, workspace, temporary, say)
                    write_json(temporary / FINGERPRINT, fingerprint)
                    seal(temporary)
    return folder, fingerprint
