"""The command family: the experiment's own words, flags and environment in, the program to start out."""

from __future__ import annotations

from pathlib import Path

from expc.compiler.contract.command_line import flag_words
from expc.compiler.contract.experiment import Experiment

from ..supervise.program import Program, environment, fill, placeholder_values
from ..supervise.saved import Start


def program(experiment: Experiment, workspace: Path, start: Start | None) -> Program:
    """The program from the beginning, or going on from a checkpoint."""
    command, watching = experiment.training.config.command, experiment.watching
    assert watching is not None
    values = placeholder_values(workspace, experiment.run)
    words = [*command.run, *flag_words(command.style, command.flags)]
    if start and watching.checkpoints:
        values |= {"checkpoint": start.file, "step": str(start.said)}
        words += flag_words(command.style, watching.checkpoints.resume)
    return Program(tuple(fill(words, values)), workspace / command.directory, environment(command.env, values))
