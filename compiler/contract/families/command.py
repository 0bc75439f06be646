"""Frozen configuration of the command family: anybody's training program, as it is started."""

from __future__ import annotations

from dataclasses import field

from ..command_line import Flag, Style
from ..record import dataclass


@dataclass(frozen=True)
class Command:
    """Words that start the program, its folder (workspace-relative or absolute), and its flags by name
    (nested names joined by dots). `env` holds variables with their values, `env_from` names of those that have to be set
    where it runs."""

    run: tuple[str, ...]
    directory: str
    style: Style = field(metadata={"beside": True})
    flags: dict[str, Flag]
    env: dict[str, str]
    env_from: tuple[str, ...]


@dataclass(frozen=True)
class Config:
    """Everything the command family adds to an experiment's identity."""

    command: Command
