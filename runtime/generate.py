"""`expc generate`: samples from a run's checkpoint into a folder, whole or not at all. What a sample is, the family knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.snapshot import training_sha256

from . import families, parent
from .checkpoint import Found, at_step, newest
from .errors import MISSING, MISUSED, UserError
from .files import whole_folder
from .parent import remake
from .prepare import prepare
from .train import device
from .workspace import run_folder

Say = Callable[[str], None]


def generate(experiment: Experiment, workspace: Path, count: int, seed: int, out: Path | None, step: int | None,
             say: Say) -> list[Path]:
    """Writes `count` samples from the checkpoint of a step (by default the newest); returns their files.

    The i-th depends on the seed and i alone. They go into `out`, which has to be new or empty, or into the run's folder,
    where the same samples are written anew. Raises UserError.
    """
    family = families.load(experiment.training.family)
    if not hasattr(family, "sample"):
        raise UserError(f"the family {experiment.training.family} has no samples to write", MISUSED)
    found = checkpoint(experiment, workspace, step)
    if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already; name a new folder with --out", MISUSED)
    target = out or (run_folder(workspace, experiment.run) / "samples" / f"step_{found.position.step:06d}_seed_{seed}")
    data, fingerprint = prepare(experiment, workspace)
    parent.same_data(found, fingerprint, experiment.run)
    say(f"{experiment.run} at step {found.position.step:,}: {count} samples from seed {seed}")
    with whole_folder(target) as folder:
        made = family.sample(experiment.training, data, found.folder, device(), folder, count, seed, say)
        names = [path.relative_to(folder) for path in made]
    return [target / name for name in names]


def checkpoint(experiment: Experiment, workspace: Path, step: int | None) -> Found:
    """The run's checkpoint of that step, or its newest. Raises UserError with the command that makes one."""
    run, folder = experiment.run, run_folder(workspace, experiment.run) / "checkpoints"
    sha256 = training_sha256(experiment.training)
    found = newest(folder, sha256)[0] if step is None else at_step(folder, step)
    if isinstance(found, Found) and found.state.get("training_sha256") == sha256:
        return found
    at = "" if step is None else f" at step {step:,}"
    raise UserError(f"{run} has no usable checkpoint{at} of this training; {remake(workspace, run, step, sha256)}", MISSING)
