"""The standalone launcher: the exact command line of a foreign program, for machines that have nothing of expc.

An experiment in, the names and values of `standalone.sh.j2` out. Only a program that can run without expc has one.
"""

from __future__ import annotations

from typing import Any

from ..contract import names
from ..contract.command_line import flag_words, placeholders
from ..contract.experiment import Experiment
from .bash import build, heading

TEMPLATE = "launchers/standalone.sh.j2"


def context(experiment: Experiment, snapshot_sha256: str) -> dict[str, Any]:
    """Plain values; the template quotes each of them where it prints it."""
    command, watching = experiment.training.config.command, experiment.watching
    assert watching is not None
    resume = flag_words(command.style, watching.checkpoints.resume) if watching.checkpoints else []
    words = [*command.run, *flag_words(command.style, command.flags)]
    used = set(placeholders([*words, *resume, *command.env.values()]))
    return {
        "heading": heading(experiment),
        "launcher": names.launcher(experiment, "standalone"),
        "bash_launcher": names.launcher(experiment, "bash"),
        "run": experiment.run,
        "run_folder": names.run_folder(experiment.run),
        "directory": command.directory,
        "words": _lines(command.run, flag_words(command.style, command.flags)),
        "resume": resume,
        "resume_step": "step" in set(placeholders(resume)),
        "guards": [f"{guard.when} -> {guard.action.kind}" for guard in experiment.guards],
        "env": command.env,
        "env_from": command.env_from,
        "python": "python" in used,
        "build": build(experiment),
        "snapshot_sha256": snapshot_sha256,
    }


def _lines(run: tuple[str, ...], flags: list[str]) -> list[list[str]]:
    """The command line for people: the program's own words, then a line for each flag with what belongs to it."""
    lines = [list(run)]
    for word in flags:
        if word.startswith("-") and not word[1:2].isdigit() or len(lines) == 1 or "=" in word:
            lines.append([word])
        else:
            lines[-1].append(word)
    return lines
