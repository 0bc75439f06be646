"""Foreign training programs: started, watched, stopped and started again from outside, under the same journal and record.

A family that is trained so is a module with `program(experiment, workspace, found)`, which gives the command line, and one
line in `SUPERVISED`. What its figures and checkpoints look like is the experiment's `watching`.
"""

from __future__ import annotations

import importlib
from typing import Any

SUPERVISED = {"command": "expc.runtime.families.command"}


def is_supervised(family: str) -> bool:
    """Whether a family is a program of its own rather than a task for the loop."""
    return family in SUPERVISED


def load(family: str) -> Any:
    """The family's module."""
    return importlib.import_module(SUPERVISED[family])
