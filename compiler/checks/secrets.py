"""Whether a secret stands in the command line or the environment that a spec states for a foreign program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..codes.entry import entry
from ..contract.command_line import Flag
from ..contract.families.command import Config
from ..contract.secrets import is_harmless, is_secret, is_secret_name, looks_secret, secrets_among
from ..diagnostics import Diagnostic
from .subject import Subject

_PROGRAM = "extends: program.yaml\n"
CODES = (
    entry(
        "E451",
        "A secret in the spec",
        "Specs, snapshots, documents and launchers are committed. A variable or flag whose name says token, key, secret or "
        "password belongs in none of them, nor does a value that looks like one (`hf_…`, `sk-…`, an address with a password), "
        "wherever it stands: name the variable in `command.env_from`, and set it where the program is started. "
        "Numbers, and symbols such as `<pad>`, are no secrets.",
        wrong=_PROGRAM + "command: {env: {HF_TOKEN: abcdefgh}}",
        right=_PROGRAM + "command: {env_from: [HF_TOKEN]}",
    ),
)
_HELP = "name the variable in command.env_from, and set it where the program is started"
_READ = f"let the program read it from the environment: {_HELP}"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Words, flags and environment of the program, and of the one that judges its checkpoints."""
    config, watching = subject.experiment.training.config, subject.experiment.watching
    if not isinstance(config, Config) or watching is None:
        return
    command = config.command
    for name, value in command.env.items():
        if is_secret_name(name) and not is_harmless(value):
            yield subject.finding("E451", f"{name} is the name of a secret, and its value stands in the spec",
                                  f"command.env.{name}", _HELP)
        elif looks_secret(value):
            yield subject.finding("E451", f"the value of {name} looks like a secret", f"command.env.{name}", _HELP)
    for name in sorted(set(command.env) & set(command.env_from)):
        yield subject.finding("E451", f"{name} is both stated and taken from the environment", f"command.env.{name}",
                              "keep one of the two", ["command.env_from"])
    yield from _flags(subject, "command.flags", command.flags)
    yield from _words(subject, "command.run", command.run)
    if watching.checkpoints:
        yield from _flags(subject, "watch.checkpoints.resume", watching.checkpoints.resume)
    if watching.judge:
        yield from _words(subject, "eval.program.run", watching.judge.run)


def _flags(subject: Subject, place: str, flags: Mapping[str, Flag]) -> Iterator[Diagnostic]:
    for name, said in flags.items():
        values = said if isinstance(said, tuple) else (said,)
        if any(isinstance(value, str) and is_secret(name, value) for value in values):
            yield subject.finding("E451", f"{name} takes a secret, and its value stands in the spec", f"{place}.{name}", _READ)


def _words(subject: Subject, place: str, words: tuple[str, ...]) -> Iterator[Diagnostic]:
    for index, name in secrets_among(words):
        what = f"{name} takes a secret, and its value stands in the spec" if name else "this word looks like a secret"
        yield subject.finding("E451", what, f"{place}.{index}", _READ)
