"""The nanochat family: a user's checkout of nanochat, started and watched from outside, never changed.

What it needs before it starts is made in the run's folder: links to the data, and a copy of the parent's checkpoint whose
stored rates are those that the spec asks for. What it did with them is read back when it has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.families.nanochat import CHECKPOINTS, HOME

from ...errors import MISSING, UserError
from ...parent import parent_checkpoint
from ...supervise.program import Program
from ...supervise.saved import Start, file_of
from ...workspace import run_folder
from .. import Say
from ..command import program as command_line
from . import checkout, data, fork, room

prepare, data_key = data.prepare, data.key
checkpoint_bytes, checkpoints_left = room.checkpoint_bytes, room.checkpoints_left


def program(experiment: Experiment, workspace: Path, start: Start | None) -> Program:
    """nanochat from the beginning, or going on from a checkpoint of its own folder."""
    return command_line(experiment, workspace, start)


def missing(experiment: Experiment, workspace: Path) -> Iterator[str]:
    """What keeps the checkout, the data or the parent's checkpoint from being what the spec says."""
    training = experiment.training
    yield from checkout.problems(training.config, workspace)
    yield from data.problems(training.config, workspace)
    if training.resume and not (_home(experiment, workspace) / CHECKPOINTS).is_dir():
        try:
            start = inherited(experiment, workspace) or _parents(experiment, workspace)
            yield from fork.problems(Path(start.file).parent, start.said, training.config)
        except UserError:  # which the preflight of every foreign program says
            return


def inherited(experiment: Experiment, workspace: Path) -> Start | None:
    """The checkpoint of a parent that was not trained here; None where it was. Raises UserError where it is not there."""
    resume, folder = experiment.training.resume, experiment.training.config.checkout.parent
    if resume is None or folder is None:
        return None
    file = workspace / folder / f"model_{resume.step:06d}.pt"
    if not file.is_file():
        raise UserError(f"{file} does not exist; put the parent's checkpoint there, or change command.parent", MISSING)
    return Start(str(file), resume.step, resume.step, 0.0)


def _parents(experiment: Experiment, workspace: Path) -> Start:
    found = parent_checkpoint(experiment, workspace)
    step = int(found.state["position"]["step"])
    return Start(str(file_of(found.folder, found.state)), step, step, 0.0)


def parts(experiment: Experiment, file: Path) -> list[Path]:
    """What belongs to a checkpoint, by its model's file."""
    batch = experiment.training.batch
    return fork.parts(file.parent, int(file.stem.rpartition("_")[2]), batch.ranks if batch else 1)


def ready(experiment: Experiment, workspace: Path, start: Start | None, say: Say) -> dict[str, Any]:
    """Makes the folder that nanochat works in; returns the data's fingerprint, and what became of the parent's rates.

    Raises UserError where the checkout is not what the spec pins (the preflight may have been a while ago), the data have not
    been prepared, or the parent's checkpoint does not fit.
    """
    training, home = experiment.training, _home(experiment, workspace)
    for problem in checkout.problems(training.config, workspace):
        raise UserError(problem, MISSING)
    facts: dict[str, Any] = {"data": data.link(experiment, workspace, home)}
    target = home / CHECKPOINTS / training.config.checkout.tag
    if start is None or Path(start.file).parent == target:
        return facts
    facts["forked"] = fork.fork(Path(start.file).parent, start.said, target, training)
    say(f"copied the parent's checkpoint of step {start.said:,} to {target.relative_to(workspace)}, with this spec's rates in "
        "its optimizer state: nanochat would go on with the old ones")
    return facts


def finished(experiment: Experiment, workspace: Path) -> dict[str, Any]:
    """The rates that its last checkpoint holds, group by group."""
    training = experiment.training
    folder = _home(experiment, workspace) / CHECKPOINTS / training.config.checkout.tag
    return {"rates": fork.rates(folder, training)}


def _home(experiment: Experiment, workspace: Path) -> Path:
    return run_folder(workspace, experiment.run) / HOME
