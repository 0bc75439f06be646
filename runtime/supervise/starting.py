"""What a foreign run begins with: nothing that still runs from before, its checkpoints noted, the one that it goes on from.

An experiment and its workspace in; a `Start` and the words for it out.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import DASH
from expc.compiler.contract.snapshot import training_sha256

from .. import checkpoint, parent
from ..errors import MISUSED, UserError
from ..journal import event
from ..lock import identity, lives
from ..progress import say
from ..record import Record
from ..workspace import run_folder
from . import offer
from .offspring import is_alive
from .program import placeholder_values
from .saved import Checkpoints, Start, refuse_changed, start_from


def refuse_orphan(record: Record) -> None:
    """A program that outlived the process which watched it must not be started a second time.

    Numbers of processes are used again: it is the same one only if it began when the record says. Raises UserError.
    """
    last = (record.body["attempts"] or [{}])[-1]
    group, process = last.get("process_group"), last.get("process") or {}
    if not group or "ended" in last:
        return
    found = lives(process) if process else False
    if found is None:
        say(f"the attempt before this one was killed on {process.get('host')}; whether its program still runs there cannot be "
            f"seen from here. If it does, both write to the same files: look there, and end process group {group}")
    elif found and is_alive(group):
        raise UserError(f"the program of an attempt that was killed still runs, as process group {group}; end it with: "
                        f"kill -TERM -- -{group}", MISUSED)
    elif process.get("boot") == identity(group)["boot"] and identity(group)["started"] is None and is_alive(group):
        raise UserError(f"the program of an attempt that was killed has ended, but processes of its group {group} still run; "
                        f"see whether they are what it has started: ps -o pid,lstart,args -g {group}. Then end them with: "
                        f"kill -TERM -- -{group}", MISUSED)


def checkpoints_of(experiment: Experiment, workspace: Path, directory: Path, record: Record) -> Checkpoints | None:
    """The run's checkpoints, with what the program saved while nobody looked."""
    watching = experiment.watching
    if watching is None or watching.checkpoints is None:
        return None
    folder = run_folder(workspace, experiment.run)
    identity = {"run": experiment.run, "training_sha256": training_sha256(experiment.training),
                "snapshot_sha256": record.body["snapshot_sha256"]}
    made = Checkpoints(watching.checkpoints, directory, placeholder_values(workspace, experiment.run), folder / "checkpoints",
                       identity, distrusted={one["passed_over"]["file"]: one["passed_over"]["stamp"]
                                             for one in record.body["attempts"] if one.get("passed_over")})
    if parts := offer(experiment.training.family, "parts"):
        made.parts = partial(parts, experiment)
    foreign = list(made.found().values())
    if foreign and not record.body["attempts"]:
        raise UserError(f"{foreign[0]} is there already, and this run has not written it; move it away, or save below "
                        "{run_folder} (watch.checkpoints.path)", MISUSED)
    made.note(_seconds(record), settled=True)
    for path, why in made.broken.items():
        say(f"passing over {path.name}: {why}")
        event(folder, "skipped_checkpoint", file=path.name, why=why)
    return made


def _seconds(record: Record) -> float:
    return float(record.body.get("train_seconds") or 0.0)


def own(experiment: Experiment, folder: Path) -> Start | None:
    """The run's own checkpoint that it goes on from: the newest; says what is passed over."""
    found, skipped = checkpoint.newest(folder / "checkpoints", training_sha256(experiment.training))
    for one in skipped:
        say(f"passing over {one.folder.name}: {one.why}")
    saved = experiment.watching.checkpoints if experiment.watching else None
    return start_from(found, saved) if found and saved else None


def newest(experiment: Experiment, folder: Path, most: int | None = None) -> Start | None:
    """The run's own newest checkpoint, of at most a step, as it is noted."""
    saved = experiment.watching.checkpoints if experiment.watching else None
    step = experiment.training.steps if most is None else most
    found = checkpoint.up_to(folder / "checkpoints", training_sha256(experiment.training), step)
    return start_from(found, saved) if found and saved else None


def inherited(experiment: Experiment, workspace: Path) -> Start | None:
    """The parent's checkpoint that a run without one of its own goes on from. Raises UserError where it is not there, or is
    another one by now."""
    saved = experiment.watching.checkpoints if experiment.watching else None
    if experiment.training.resume is None or saved is None:
        return None
    foreign, parts = (offer(experiment.training.family, name) for name in ("inherited", "parts"))
    if foreign and (start := foreign(experiment, workspace)):
        return cast(Start, start)
    found = parent.parent_checkpoint(experiment, workspace)
    start = start_from(found, saved, inherited=True)
    refuse_changed(found, parts(experiment, Path(start.file)) if parts else [Path(start.file)])
    return start


def first(experiment: Experiment, workspace: Path) -> tuple[Start | None, str]:
    """What a run without a checkpoint of its own begins with, and in words."""
    start, resume = inherited(experiment, workspace), experiment.training.resume
    if start is None or resume is None:
        return None, "fresh"
    for change in experiment.changes:
        say(f"not as in {resume.parent}: {change.key}: {change.before or DASH} -> {change.after or DASH}")
    return start, f"from {resume.parent} step {resume.step}"
