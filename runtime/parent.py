"""The parent that a run resumes from: its checkpoint, and whether it is what the snapshot says it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from expc.compiler.contract import names, snapshot
from expc.compiler.contract.experiment import Experiment

from .checkpoint import Found, Skipped, at_step
from .errors import MISSING, UserError
from .files import read_json
from .workspace import run_folder


def launch_command(workspace: Path, run: str) -> str:
    """The command that trains a run, from its committed snapshot."""
    path = workspace / names.snapshot(run)
    try:
        return f"bash {names.launcher(snapshot.loads(path.read_text(encoding='utf-8')), 'bash')}"
    except (OSError, snapshot.BadSnapshot):
        return f"expc build, then its launcher in generated/ (there is no {names.snapshot(run)})"


def parent_checkpoint(experiment: Experiment, workspace: Path) -> Found:
    """The parent's checkpoint at the resume step. Raises UserError that names the command which makes it."""
    resume = experiment.training.resume
    assert resume is not None
    found = at_step(run_folder(workspace, resume.parent) / "checkpoints", resume.step)
    place = names.checkpoint(resume.parent, resume.step)
    if not isinstance(found, Found):
        why = f"cannot be used: {found.why}" if isinstance(found, Skipped) else "is missing"
        raise UserError(f"{place} {why}; make it with: {launch_command(workspace, resume.parent)}", MISSING)
    actual = found.state.get("training_sha256")
    if actual != resume.parent_training_sha256:
        raise UserError(f"{place} comes from another training of {resume.parent}: its identity is {str(actual)[:12]}, this "
                        f"experiment was built on {resume.parent_training_sha256[:12]}. Move runs/{resume.parent} away and "
                        f"train it again: {launch_command(workspace, resume.parent)}", MISSING)
    return found


def same_data(experiment: Experiment, workspace: Path, fingerprint: dict[str, Any]) -> None:
    """Raises UserError where the parent was trained on other data or with another tokenizer than lie here now."""
    resume = experiment.training.resume
    assert resume is not None
    record = read_json(run_folder(workspace, resume.parent) / "record.json") or {}
    theirs = record.get("data") or {}
    for key in ("sha256", "tokenizer_sha256"):
        if key in theirs and theirs[key] != fingerprint.get(key):
            what = "data" if key == "sha256" else "tokenizer"
            raise UserError(f"the {what} of {resume.parent} was another one ({theirs[key][:12]}, here "
                            f"{str(fingerprint.get(key))[:12]}): its weights do not fit. Train the parent again on this data")
