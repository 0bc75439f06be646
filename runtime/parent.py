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

from . import distributed
from .checkpoint import Found, Skipped, at_step, newest
from .errors import MISSING, MISUSED, UserError
from .progress import say
from .record import code
from .workspace import run_folder

DATA = (("sha256", "data"), ("tokenizer_sha256", "tokenizer"))


def launch_command(workspace: Path, run: str) -> str:
    """The command that trains a run, from its committed snapshot."""
    path = workspace / names.snapshot(run)
    try:
        return f"bash {names.launcher(snapshot.loads(path.read_text(encoding='utf-8')), 'bash')}"
    except (OSError, snapshot.BadSnapshot):
        return f"expc build, then its launcher in generated/ (there is no {names.snapshot(run)})"


def remake(workspace: Path, run: str, step: int | None, training: str) -> str:
    """What makes a training's checkpoint of a step, or any; a run that has come further has to be taken back for it."""
    command = launch_command(workspace, run)
    later, _ = newest(run_folder(workspace, run) / "checkpoints", training)
    if later is None or step is None or later.position.step < step:
        return f"make it with: {command}"
    aside = f"its checkpoints of step {step:,} and later out of {names.run_folder(run)}"
    if "file" in later.state:  # of a foreign program: its record, not its checkpoints, says that it is done
        aside = f"{names.run_folder(run)} away"
    return f"{run} has come to step {later.position.step:,} already: move {aside}, then make it with: {command}"


def parent_checkpoint(experiment: Experiment, workspace: Path) -> Found:
    """The parent's checkpoint at the resume step. Raises UserError that names the command which makes it."""
    resume = experiment.training.resume
    assert resume is not None
    found = at_step(run_folder(workspace, resume.parent) / "checkpoints", resume.step)
    place = names.checkpoint(resume.parent, resume.step)
    if not isinstance(found, Found):
        why = f"cannot be used: {found.why}" if isinstance(found, Skipped) else "is missing"
        raise UserError(f"{place} {why}; {remake(workspace, resume.parent, resume.step, resume.parent_training_sha256)}",
                        MISSING)
    actual = found.state.get("training_sha256")
    if actual != resume.parent_training_sha256:
        raise UserError(f"{place} comes from another training of {resume.parent}: its identity is {str(actual)[:12]}, "
                        f"this experiment was built on {resume.parent_training_sha256[:12]}. Move runs/{resume.parent} "
                        f"away and train it again: {launch_command(workspace, resume.parent)}", MISSING)
    return found


def compare(experiment: Experiment, workspace: Path, source: Found, fingerprint: dict[str, Any]) -> None:
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
    same_data(source, fingerprint, resume.parent)
    if distributed.is_main():
        for change in _differences(theirs, experiment.training, source.state.get("made_with") or {}, code(workspace)):
            say(f"not as in {resume.parent}: {change}")


def _differences(before: Training, after: Training, theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """What may change the numbers without making the weights unfit: precision, versions, code."""
    if before.precision != after.precision:
        yield f"precision was {before.precision}, is {after.precision}"
    for key, what in (("torch", "PyTorch"), ("expc", "expc"), ("commit", "the workspace's commit")):
        if theirs.get(key) != ours[key]:
            yield f"{what} was {theirs.get(key) or 'not recorded'}, is {ours[key] or 'none'}"
    if theirs.get("dirty"):
        yield "it was trained with changes that were not committed"


def _same_architecture(theirs: Training, ours: Training, run: str) -> None:
    before, after = to_plain(theirs.config.model), to_plain(ours.config.model)
    before, after = before | {"family": theirs.family}, after | {"family": ours.family}
    differing = [f"model.{key}: {before.get(key)} there, {after.get(key)} here"
                 for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    if differing:
        raise UserError(f"{run} has another architecture, its weights do not fit ({'; '.join(differing)}); make the "
                        "model sections equal, or train from scratch without `resume`", MISUSED)


def essence(fingerprint: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint says of the data that it was trained on."""
    return {key: fingerprint[key] for key, _ in DATA if key in fingerprint}


def same_data(source: Found, fingerprint: dict[str, Any], run: str) -> None:
    """Raises UserError where a run's checkpoint was trained on other data than these, or with another tokenizer."""
    theirs = source.state.get("data") or {}
    for key, what in DATA:
        if theirs.get(key) != fingerprint.get(key):
            raise UserError(f"the {what} of {run} was another one at step {source.position.step:,} "
                            f"({str(theirs.get(key))[:12]}, here {str(fingerprint.get(key))[:12]}): its weights do not fit. "
                            f"Put the {what} back, or move runs/{run} away and train it again", MISUSED)


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
