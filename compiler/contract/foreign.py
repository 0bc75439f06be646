"""What documents say of a foreign program: experiment in, its command line as people read it out."""

from __future__ import annotations

import shlex
from typing import Any

from .command_line import PLACEHOLDER, flag_words, text
from .experiment import Experiment


def program_context(experiment: Experiment) -> dict[str, Any]:
    """What the command family's program is started with; empty for others."""
    command, watching = getattr(experiment.training.config, "command", None), experiment.watching
    if command is None or watching is None:
        return {"command_line": "", "program_directory": "", "passed_variables": (), "resume_words": ""}
    resume = flag_words(command.style, watching.checkpoints.resume) if watching.checkpoints else []
    return {"command_line": _pasted([*command.run, *flag_words(command.style, command.flags)]),
            "program_directory": command.directory, "passed_variables": command.env_from, "resume_words": _pasted(resume)}


def _pasted(words: list[str]) -> str:
    """Words as a shell would be given them, with their placeholders left plain."""
    return " ".join(word if (bare := PLACEHOLDER.sub("_", word)) == shlex.quote(bare) else shlex.quote(word) for word in words)


def listed(value: Any) -> Any:
    """A list as its words; None for an empty one; any other value as it is."""
    return " ".join(map(text, value)) or None if isinstance(value, tuple) else value
