"""The preflight stage of a foreign program: what it needs to be started, and what of that is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import integer

from ..errors import UserError
from ..room import others
from ..workspace import run_folder
from . import load, offer, room, starting
from .program import Program


def summary(experiment: Experiment, workspace: Path) -> str:
    """One line that says what is going to run."""
    program: Program = load(experiment.training.family).program(experiment, workspace, None)
    steps = integer(experiment.training.steps)
    return f"{experiment.run}: {Path(program.words[0]).name} to step {steps}, in {program.directory}"


def missing(experiment: Experiment, workspace: Path) -> Iterator[str]:
    """Everything that is not there, each with what to do about it."""
    program: Program = load(experiment.training.family).program(experiment, workspace, None)
    if not program.directory.is_dir():
        yield f"the program's directory {program.directory} does not exist; put it there, or change command.directory"
    elif program.executable() is None:
        where = "is not there, or cannot be executed" if os.sep in program.words[0] else "is not on the PATH"
        yield f"{program.words[0]} {where}; install it, or name it by its path in command.run"
    else:
        yield from _files(program)
    for name in getattr(getattr(experiment.training.config, "command", None), "env_from", ()):
        if not os.environ.get(name):
            yield f"the variable {name} is not set, and the program needs it; set it: export {name}=..."
    if experiment.training.resume and not any((run_folder(workspace, experiment.run) / "checkpoints").glob("step_*")):
        try:
            starting.inherited(experiment, workspace)
        except UserError as error:
            yield str(error)
    if own := offer(experiment.training.family, "missing"):
        yield from own(experiment, workspace)
    yield from room.problems(experiment, workspace, others(experiment, workspace))


def notes(experiment: Experiment, workspace: Path) -> Iterator[str]:
    """What may become too little, and stops nothing yet."""
    yield from room.notes(experiment, workspace, others(experiment, workspace))


def _files(program: Program) -> Iterator[str]:
    """Scripts among the leading words that are not there."""
    for word in program.words[1:]:
        if word.startswith("-"):
            return
        if word.endswith((".py", ".sh")) and not (program.directory / word).is_file():
            yield f"{program.directory / word} does not exist; put it there, or change command.run"
