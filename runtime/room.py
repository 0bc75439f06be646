"""How much of the disk a run will take beside what it has, part by part: an experiment and its workspace in, shares out.

Counted are checkpoints (also those that guards and other experiments keep), metrics, what trackers write, prepared data of
families that say how large they get, and what runs that train in this workspace now have still to write. Figures and documents
are not: they are small beside these.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from expc.compiler.contract import canonical, snapshot
from expc.compiler.contract import retention as contract
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import size
from expc.compiler.contract.training import known

from . import families, randomness, retention
from .checkpoint import claims
from .errors import UserError
from .lock import is_held
from .supervise import is_supervised
from .supervise import room as foreign
from .workspace import data_folder, run_folder

MOMENTS = {"adamw": 2, "muon": 1, "sgd": 1}
"""Numbers that an optimizer holds for each parameter."""
LINE_BYTES, LINE_VALUES = 40, 4
"""A value in a line of the metrics with its name; those that every line has beside the rates of the groups."""
RESERVE_BYTES = 256 * 1024
"""Room for the record and the last lines of the journal."""
FULL = (errno.ENOSPC, errno.EDQUOT)
TRACKER_BYTES = 80
"""A value with its name in a tracker's file."""


@dataclass(frozen=True)
class Share:
    """Bytes that something will take, or (negative) has taken already; `what` names it, with `{}` where the bytes go."""

    what: str
    bytes: int

    def __str__(self) -> str:
        return self.what.format(size(abs(self.bytes)))


def shares(experiment: Experiment, workspace: Path) -> list[Share]:
    """What the run will still take at its fullest, and what others do; their sum is what has to be free."""
    own = list(_own(experiment, workspace))
    total, there = sum(share.bytes for share in own), taken(experiment, run_folder(workspace, experiment.run))
    already = [Share("less {} that are there", -min(there, total))] if there else []
    return [*own, *already, *_data(experiment, workspace), *_others(experiment, workspace)]


def _own(experiment: Experiment, workspace: Path) -> Iterator[Share]:
    wanted = retention.wanted(workspace, experiment.run)
    own, count = contract.most_at_once(experiment), contract.most_at_once(experiment, wanted)
    reasons = {"guards that go back": own - contract.most_at_once(replace(experiment, guards=())),
               "other experiments": count - own}
    said = ", ".join(f"{more:,} for {whom}" for whom, more in reasons.items() if more > 0)
    each = checkpoint_bytes(experiment)
    yield Share(f"{count:,} checkpoints of {size(each)}{f' ({said})' if said else ''}", count * each)
    yield Share("metrics {}", _values(experiment) * LINE_BYTES)
    if experiment.trackers:
        yield Share("trackers {}", _values(experiment) * TRACKER_BYTES * len(experiment.trackers))


def _values(experiment: Experiment) -> int:
    """How many figures the journal will hold."""
    training = experiment.training
    lines = training.own_steps + training.own_steps // known(experiment.validation).every
    return lines * (LINE_VALUES + len(training.groups))


def _data(experiment: Experiment, workspace: Path) -> Iterator[Share]:
    """What preparation has still to write, where the family says what it writes: what is there may be of an earlier attempt."""
    if experiment.training.family not in families.FAMILIES:
        return
    family = families.load(experiment.training.family)
    if not hasattr(family, "prepared_bytes"):
        return
    try:
        folder = data_folder(workspace, canonical.sha256(family.data_key(experiment.training, workspace)))
    except UserError:  # preflight and preparation say what is wrong with the source
        return
    there = sum(file.stat().st_size for file in folder.parent.glob(f"{folder.name}*/*") if file.is_file())
    if (left := family.prepared_bytes(experiment.training) - there) > 0:
        yield Share("prepared data {}", left)


def _others(experiment: Experiment, workspace: Path) -> Iterator[Share]:
    """What other runs that train in this workspace have still to write."""
    for lock in sorted(run_folder(workspace, "x").parent.glob("*/lock")):
        other = _trains(lock.parent)
        if other and other.run != experiment.run and (left := _left(other, workspace)):
            yield Share("{} for " + other.run + ", which trains now", left)


def others(experiment: Experiment, workspace: Path) -> int:
    """Bytes that other runs which train in this workspace have still to write there."""
    return sum(share.bytes for share in _others(experiment, workspace))


def _left(other: Experiment, workspace: Path) -> int:
    """Bytes that a run which trains has still to write at its fullest; of a foreign program, what is certain."""
    if is_supervised(other.training.family):
        found = foreign.saving(other, workspace)
        return found.bytes if found and found.shares_disk(workspace) else 0
    return max(0, sum(share.bytes for share in _own(other, workspace)) - taken(other, run_folder(workspace, other.run)))


def _trains(folder: Path) -> Experiment | None:
    """The experiment that is being trained in a run's folder; None where nobody trains."""
    try:
        return snapshot.loads((folder / "snapshot.json").read_text(encoding="utf-8")) if is_held(folder / "lock") else None
    except (OSError, ValueError):
        return None


def full(experiment: Experiment, workspace: Path, error: OSError) -> UserError:
    """What to say where the disk has become full: how much a run of this experiment needs, and how much there is."""
    saving = foreign.saving(experiment, workspace) if is_supervised(experiment.training.family) else None
    each = saving.each if saving else 0 if is_supervised(experiment.training.family) else checkpoint_bytes(experiment)
    needs = f"the next checkpoint needs about {size(each)}, " if each else ""
    return UserError(f"the disk is full ({error.filename or error}): {needs}{size(shutil.disk_usage(workspace).free)} are "
                     "free; what was saved before stays whole. Make room, then start the same command again")


@contextmanager
def reserved(folder: Path) -> Iterator[Callable[[], None]]:
    """While entered, a run has a little of the disk in hand. What comes out gives it back, so that the record can still be
    written where the disk is full."""
    kept = folder / ".reserve"  # a leftover by its name: what a kill leaves goes when the run is started again
    try:
        kept.write_bytes(os.urandom(RESERVE_BYTES))  # bytes that no file system makes smaller
        yield lambda: kept.unlink(missing_ok=True)
    finally:
        kept.unlink(missing_ok=True)


def taken(experiment: Experiment, folder: Path) -> int:
    """Bytes of this training's checkpoints and metrics, and of trackers' files, that a run has already."""
    ours = [path for path, _, training in claims(folder / "checkpoints") if training == experiment.training.sha256]
    files = (folder / "metrics.jsonl", *(file for path in ours for file in path.iterdir()),
             *(file for name in experiment.trackers for file in (folder / name).rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


def checkpoint_bytes(experiment: Experiment) -> int:
    """About how many bytes one checkpoint takes: weights, what the optimizers hold, and every rank's random state.

    Where nobody has counted the optimizers' state, every method is taken to hold what the greediest one does.
    """
    parts, training = experiment.predictions.memory, experiment.training
    parameters = 4 * sum(experiment.predictions.parameters.values())
    weights = parts.get("weights", parameters)
    moments = parts.get("optimizer_state", parameters * max((MOMENTS[one.method] for one in training.groups), default=0))
    return weights + moments + known(training.batch).ranks * randomness.SIZE
