"""Whether the disk holds what a foreign program still saves: an experiment and its workspace in, what is wrong out.

A checkpoint's size is that of one which is there already (the run's own, or the parent's that it goes on from) or what the
family computes; where neither is known, nothing is said. How many are kept, a family may know; else one more has to fit.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import size

from ..errors import UserError
from ..workspace import run_folder
from . import offer, starting


def problems(experiment: Experiment, workspace: Path) -> Iterator[str]:
    """One line where too little is free."""
    if experiment.watching is None or experiment.watching.checkpoints is None:
        return
    family = experiment.training.family
    own = starting.newest(experiment, run_folder(workspace, experiment.run))
    try:
        start = own or starting.inherited(experiment, workspace)
    except UserError:  # which the preflight says
        start = None
    parts, computed, left = offer(family, "parts"), offer(family, "checkpoint_bytes"), offer(family, "checkpoints_left")
    each, where = 0, workspace
    if start:
        where = Path(start.file).parent if own else workspace
        each = _bytes(partial(parts, experiment)(Path(start.file)) if parts else [Path(start.file)])
    elif computed:
        each = computed(experiment)
    count = left(experiment, own.step if own else None) if left else 1
    free = shutil.disk_usage(where).free
    if each * count > free:
        what = f"{count:,} checkpoints of {size(each)} each" if count > 1 else f"one more checkpoint ({size(each)})"
        yield (f"the disk has {size(free)} free, and the program has still to save {what}, {size(each * count)}; make room, or "
               "save less often (checkpoint.every)")


def _bytes(files: list[Path]) -> int:
    """Bytes of files, and of all files of folders."""
    return sum(one.stat().st_size for file in files for one in (file, *file.rglob("*")) if one.is_file())
