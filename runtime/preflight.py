"""The preflight stage: what a run needs and what is missing, each with the command that makes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.conditions import metrics_of, parse
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import duration, size
from expc.compiler.contract.snapshot import training_sha256

from . import families, room
from .checkpoint import newest
from .errors import MISSING, UserError
from .gauges import gpu_utilisation
from .parent import launch_command, parent_checkpoint
from .progress import say
from .supervise import is_supervised
from .supervise import preflight as foreign
from .trackers.feeding import installed
from .train import device
from .workspace import run_folder

SLOW_SECONDS = 3600
ACCEPT_SLOW = "EXPC_ACCEPT_SLOW"
PROBE_UPDATES = 3


def preflight(experiment: Experiment, workspace: Path) -> None:
    """Says everything that is missing at once. Raises UserError where the run cannot start."""
    supervised = is_supervised(experiment.training.family)
    say(foreign.summary(experiment, workspace) if supervised else
        f"{experiment.run}: step {experiment.training.steps:,}, "
        f"{sum(experiment.predictions.parameters.values()):,} parameters, on {device()}")
    for note in _notes(experiment, workspace):
        say(f"note: {note}")
    if missing := list((foreign.missing if supervised else _missing)(experiment, workspace)):
        raise UserError("\n".join(["not ready:", *(f"  - {one}" for one in missing)]), MISSING)
    say("everything that the run needs is there")


def _started(experiment: Experiment, workspace: Path) -> int:
    found, _ = newest(run_folder(workspace, experiment.run) / "checkpoints", training_sha256(experiment.training))
    return found.position.step if found else 0


def _missing(experiment: Experiment, workspace: Path) -> Iterator[str]:
    step = _started(experiment, workspace)
    resume = experiment.training.resume
    if resume and not step:
        try:
            parent_checkpoint(experiment, workspace)
        except UserError as error:
            yield str(error)
    data = to_plain(experiment.training.config).get("data", {})
    if data.get("source") == "folder" and not (workspace / str(data.get("path"))).is_dir():
        yield f"the data folder {data.get('path')} does not exist; put your files there, or change data.path"
    yield from _disk(experiment, workspace)
    yield from _patience(experiment, step)


def _disk(experiment: Experiment, workspace: Path) -> Iterator[str]:
    shares = room.shares(experiment, workspace)
    needed, free = sum(share.bytes for share in shares), shutil.disk_usage(workspace).free
    if free < needed:
        yield (f"about {size(needed)} more are needed on this disk, and {size(free)} are free: "
               f"{', '.join(map(str, shares))}; make room, or keep fewer checkpoints (checkpoint.keep_last, keep_every, "
               "keep_best)")


def _patience(experiment: Experiment, step: int) -> Iterator[str]:
    """A run that is meant for a GPU, on a CPU: a few updates are measured, and hours are not begun unasked."""
    if device().type != "cpu" or experiment.hardware.target == "cpu" or os.environ.get(ACCEPT_SLOW) == "1":
        return
    resume = experiment.training.resume
    left = experiment.training.steps - max(step, resume.step if resume else 0)
    if left <= 0:
        return
    say("this machine has no GPU: measuring how long an update takes here")
    probe = families.load(experiment.training.family).probe
    each = probe(experiment.training, device(), 1)
    if 1 / 3 < each * left / SLOW_SECONDS < 3:  # one update tells days from minutes; a close call takes a few more
        each = probe(experiment.training, device(), PROBE_UPDATES)
    if each * left > SLOW_SECONDS:
        yield (f"this machine has no GPU, and the run would take about {duration(each * left)} here (measured "
               f"{each:.2f} s an update x {left:,} updates). Build and run the smoke profile (`expc build --profile "
               f"smoke`), or set {ACCEPT_SLOW}=1 to go on all the same")


def _notes(experiment: Experiment, workspace: Path) -> Iterator[str]:
    for other in experiment.evaluation.compare:
        if not (run_folder(workspace, other.run) / "record.json").is_file():
            yield (f"{other.run} has not been trained; it will be missing from the comparison until you run: "
                   f"{launch_command(workspace, other.run)}")
    for name in experiment.trackers:
        if not installed(name):
            yield f"the tracker {name} is not installed and will be shown nothing; pip install 'expc[{name}]'"
    if is_supervised(experiment.training.family):
        yield from foreign.notes(experiment, workspace)
    elif gpu_utilisation() is None:
        for guard in experiment.guards:
            if "gpu_util" in metrics_of(parse(guard.when)):
                yield (f"guard {guard.name} ({guard.when}) never acts here: nobody says how busy a GPU is. That takes a GPU, "
                       "and nvidia-ml-py (pip install nvidia-ml-py)")
