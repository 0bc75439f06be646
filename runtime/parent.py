"""The parent that a run resumes from: its checkpoint, and whether it is what the snapshot says it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from expc.compiler.contract import names, snapshot
from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import DASH, significant
from expc.compiler.contract.training import Training

from .checkpoint import Found, Skipped, at_step
from .errors import MISSING, MISUSED, UserError
from .files import read_json
from .progress import say
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
        raise UserError(f"{place} comes from another training of {resume.parent}: its identity is {str(actual)[:12]}, "
                        f"this experiment was built on {resume.parent_training_sha256[:12]}. Move runs/{resume.parent} "
                        f"away and train it again: {launch_command(workspace, resume.parent)}", MISSING)
    return found


def compare(experiment: Experiment, workspace: Path, fingerprint: dict[str, Any]) -> None:
    """Raises UserError where the parent's architecture, tokenizer or data are others; says what else differs."""
    resume = experiment.training.resume
    assert resume is not None
    folder = run_folder(workspace, resume.parent)
    try:
        theirs = snapshot.loads((folder / "snapshot.json").read_text(encoding="utf-8")).training
    except (OSError, snapshot.BadSnapshot) as error:
        raise UserError(f"runs/{resume.parent}/snapshot.json cannot be read ({error}); train it again with: "
                        f"{launch_command(workspace, resume.parent)}", MISSING) from error
    _same_architecture(theirs, experiment.training, resume.parent)
    _same_data(read_json(folder / "record.json"), fingerprint, resume.parent)
    if theirs.precision != experiment.training.precision:
        say(f"precision changes: {resume.parent} was trained in {theirs.precision}, this run in "
            f"{experiment.training.precision}")


def _same_architecture(theirs: Training, ours: Training, run: str) -> None:
    before, after = to_plain(theirs.config.model), to_plain(ours.config.model)
    before, after = before | {"family": theirs.family}, after | {"family": ours.family}
    differing = [f"model.{key}: {before.get(key)} there, {after.get(key)} here"
                 for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    if differing:
        raise UserError(f"{run} has another architecture, its weights do not fit ({'; '.join(differing)}); make the "
                        "model sections equal, or train from scratch without `resume`", MISUSED)


def _same_data(record: Any, fingerprint: dict[str, Any], run: str) -> None:
    theirs = (record.get("data") if isinstance(record, dict) else None) or {}
    for key, what in (("sha256", "data"), ("tokenizer_sha256", "tokenizer")):
        if key in theirs and theirs[key] != fingerprint.get(key):
            raise UserError(f"the {what} of {run} was another one ({theirs[key][:12]}, here "
                            f"{str(fingerprint.get(key))[:12]}): its weights do not fit. Train it again on this data")


def boundary(experiment: Experiment) -> Iterator[str]:
    """What happens to each quantity at the resume step, as lines of a table, and every change of the spec."""
    resume = experiment.training.resume
    assert resume is not None
    state = "taken over" if resume.optimizer == "keep" else "begun anew"
    yield f"from {resume.parent} at step {resume.step:,}, the optimizer's state is {state}; at the boundary:"
    for row in experiment.boundary:
        change = "" if row.before == row.after else "   <- changes"
        yield f"  {row.name:<28} {significant(row.before):>12} -> {significant(row.after):>12}{change}"
    for one in experiment.changes:
        yield f"  spec: {one.key}: {one.before or DASH} -> {one.after or DASH}"
