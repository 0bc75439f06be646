"""How a foreign training program is watched: what its output says, where its checkpoints lie, when it has to end.

None of it changes what is trained, so none of it is part of a run's identity.
"""

from __future__ import annotations

import re
from typing import Literal

from .command_line import Flag
from .record import dataclass

OUTPUT = "output"
"""The `json` source that means the lines which the program prints."""


@dataclass(frozen=True)
class Reader:
    """One way to read figures from a running program.

    `line` is a regular expression whose named groups are figures; `json` reads objects, one a line, from the output or from
    a file, `names` maps our names to theirs (dots lead into nested objects). The figure `step` says which update a line is
    about, `counts_from` the number that the program gives its first update: a step of ours counts updates taken.
    """

    line: str | None
    json: str | None
    names: dict[str, str]
    kind: Literal["train", "valid"]
    counts_from: int

    @property
    def figures(self) -> tuple[str, ...]:
        """Our names of what it reads, the step left out."""
        return tuple(name for name in self.named if name != "step")

    @property
    def named(self) -> tuple[str, ...]:
        """Our names of what it reads; none where the pattern is none."""
        try:
            return tuple(re.compile(self.line).groupindex if self.line is not None else self.names)
        except re.error:
            return ()


@dataclass(frozen=True)
class Saved:
    """The program's own checkpoints: a file or folder name with `{step}` in it, and the flags that make it go on from one."""

    path: str
    resume: dict[str, Flag]
    counts_from: int


@dataclass(frozen=True)
class Judge:
    """A program that judges a checkpoint: the words that start it, and how figures are read from what it prints."""

    run: tuple[str, ...]
    readers: tuple[Reader, ...]


@dataclass(frozen=True)
class Watching:
    """How the program is watched. Seconds: `grace` to end in once it is asked to, `silence` without a figure until a warning.

    `finished` is a pattern of the line that tells the end, for programs whose last figures come before their last step;
    `terminal` gives the program a terminal to write to, so that it does not hold back its lines.
    """

    readers: tuple[Reader, ...]
    checkpoints: Saved | None
    finished: str | None
    terminal: bool
    grace: float
    silence: float
    judge: Judge | None
