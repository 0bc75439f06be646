"""What a foreign program's checkpoints still take of the disk: an experiment and its workspace in, what is known of it out.

A checkpoint's size is that of the newest one which is there (the run's own, or the parent's that it goes on from) or what the
family computes. How many are still to come and stay, a family may know. Of other programs it is read from what they have left
so far: who has deleted some needs room for one more; who has deleted none may go on so, which is said and stops nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import size
from expc.compiler.contract.snapshot import training_sha256

from ..errors import UserError
from ..files import read_json
from ..workspace import run_folder
from . import offer, starting
from .saved import file_of


@dataclass(frozen=True)
class Saving:
    """Bytes of one checkpoint (0: nobody knows yet), how many more have to fit, how many more there may be, and where."""

    each: int
    certain: int
    possible: int
    where: Path

    @property
    def bytes(self) -> int:
        """What is needed at least."""
        return self.each * self.certain

    def shares_disk(self, folder: Path) -> bool:
        """Whether what is written to a folder takes of the same disk."""
        return os.stat(self.where).st_dev == os.stat(folder).st_dev


def saving(experiment: Experiment, workspace: Path) -> Saving | None:
    """What the program has still to save; None where it saves nothing that is known of."""
    if experiment.watching is None or experiment.watching.checkpoints is None:
        return None
    family, saved = experiment.training.family, _saved(experiment, run_folder(workspace, experiment.run))
    computed, left = offer(family, "checkpoint_bytes"), offer(family, "checkpoints_left")
    where = workspace
    if saved:
        each, where = saved[max(saved)]
    else:
        each = _inherited(experiment, workspace) or (computed(experiment) if computed else 0)
    if left:
        certain = possible = left(experiment, max(saved, default=None))
    else:
        certain, possible = _to_come(experiment, sorted(saved))
    return Saving(each, certain, possible, where)


def problems(experiment: Experiment, workspace: Path, others: int = 0) -> Iterator[str]:
    """One line where too little is free; `others` is what runs that train now have still to write to the workspace."""
    if (found := saving(experiment, workspace)) is None or not found.bytes:
        return
    free, beside = _room(found, workspace, others)
    if found.bytes > free - beside:
        each, count = size(found.each), found.certain
        what = f"{count:,} checkpoints of {each} each, {size(found.bytes)}" if count > 1 else f"one more checkpoint ({each})"
        more = f", and other runs that train now {size(beside)}" if beside else ""
        yield (f"the disk has {size(free)} free, and the program has still to save {what}{more}; make room, or "
               "save less often (checkpoint.every)")


def notes(experiment: Experiment, workspace: Path, others: int = 0) -> Iterator[str]:
    """What may be too little, or is not known."""
    if (found := saving(experiment, workspace)) is None:
        return
    free, beside = _room(found, workspace, others)
    fit = (free - beside) // found.each if found.each else 0
    if not found.each:
        yield f"how large its checkpoints are is not known before there is one; the disk has {size(free)} free"
    elif found.certain <= fit < found.possible:
        yield (f"the program may save {found.possible:,} more checkpoints of {size(found.each)} each, and has deleted none so "
               f"far; the disk has room for {fit:,}")


def _room(found: Saving, workspace: Path, others: int) -> tuple[int, int]:
    """Bytes that are free where the program saves, and those of them that others will take."""
    return shutil.disk_usage(found.where).free, others if found.shares_disk(workspace) else 0


def _saved(experiment: Experiment, folder: Path) -> dict[int, tuple[int, Path]]:
    """Bytes and folder of this training's checkpoints that are noted and still there, by step."""
    states = [(path.parent, read_json(path)) for path in folder.glob("checkpoints/step_*/state.json")]
    ours = [(file_of(note, state), state) for note, state in states if isinstance(state, dict) and "file_stamp" in state
            and state.get("training_sha256") == training_sha256(experiment.training)]
    return {state["position"]["step"]: (state["file_stamp"]["bytes"], file.parent) for file, state in ours if file.exists()}


def _inherited(experiment: Experiment, workspace: Path) -> int:
    """Bytes of the parent's checkpoint that a run without one of its own begins with; 0 where there is none."""
    try:
        start = starting.inherited(experiment, workspace)
    except UserError:  # which the preflight says
        return 0
    if start is None:
        return 0
    parts = offer(experiment.training.family, "parts")
    return _bytes(partial(parts, experiment)(Path(start.file)) if parts else [Path(start.file)])


def _to_come(experiment: Experiment, steps: list[int]) -> tuple[int, int]:
    """How many checkpoints have to fit beside those of `steps` (ascending), and how many there may be more in the end."""
    training = experiment.training
    every = min((later - before for before, later in pairwise(steps)), default=experiment.checkpoint.every)
    last = steps[-1] if steps else training.start
    left = (training.steps - training.start) // every - (last - training.start) // every
    deletes = len(steps) < (last - training.start) // every
    certain = int(last < training.steps)
    return certain, certain if deletes else max(certain, left)


def _bytes(files: list[Path]) -> int:
    """Bytes of files, and of all files of folders."""
    return sum(one.stat().st_size for file in files for one in (file, *file.rglob("*")) if one.is_file())
