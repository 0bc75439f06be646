"""Foreign training programs: started, watched, stopped and started again from outside, under the same journal and record.

A family that is trained so is a module with `program(experiment, workspace, found)`, which gives the command line, and one
line in `SUPERVISED`. What its figures and checkpoints look like is the experiment's `watching`. It may also have

- `prepare` and `data_key`, as the families that the loop trains;
- `missing(experiment, workspace)`: what else keeps it from being started, a line each;
- `inherited(experiment, workspace)`: the start from a parent that expc has not trained, or None;
- `parts(experiment, file)`: all files of the checkpoint that a file found by `watching.checkpoints` stands for;
- `checkpoint_bytes(experiment)` and `checkpoints_left(experiment, step)`: how large each will be, and how many the program has
  still to write and keep from its own checkpoint of that step on (None: it has none);
- `ready(experiment, workspace, start, say)`: done right before every start; gives facts for the attempt's record, `data` among
  them is the run's fingerprint;
- `finished(experiment, workspace)`: facts that are read back once it is done.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

SUPERVISED = {"command": "expc.runtime.families.command", "nanochat": "expc.runtime.families.nanochat"}


def is_supervised(family: str) -> bool:
    """Whether a family is a program of its own rather than a task for the loop."""
    return family in SUPERVISED


def load(family: str) -> Any:
    """The family's module."""
    return importlib.import_module(SUPERVISED[family])


def offer(family: str, name: str) -> Callable[..., Any] | None:
    """One of the functions that a family may have, or None."""
    return getattr(load(family), name, None)
