"""Checkpoints that are whole or not there, and that are trusted only after their hashes were checked.

A checkpoint is a folder `step_000500`: weights of each model in safetensors, optimizers and the random state of every
process in files that are loaded with `weights_only=True`, `state.json`, and `manifest.json` with every file's size and
SHA-256. It is written under a temporary name, synced and renamed. Names are not believed: what counts is the step that the
state says.
"""

from __future__ import annotations

import math
import pickle
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from expc.compiler.contract.quantities import LARGEST_COUNT, size

from . import distributed, randomness
from .errors import MISUSED, UserError
from .families import Task
from .files import MANIFEST, broken, discard, read_json, seal, whole_folder, write_json

__all__ = ["MANIFEST", "Found", "Position", "Skipped", "at_step", "claims", "discard_after", "inspect", "load", "newest",
           "save", "up_to"]

FORMAT = "expc.checkpoint/2"


@dataclass(frozen=True)
class Position:
    """How far a run has come: updates taken, samples and tokens served, seconds spent in training steps."""

    step: int
    samples: int
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Found:
    """A checkpoint whose files are what its manifest says."""

    folder: Path
    state: dict[str, Any]

    @property
    def position(self) -> Position:
        """How far the run had come."""
        return Position(**self.state["position"])


@dataclass(frozen=True)
class Skipped:
    """A checkpoint that cannot be used, and why."""

    folder: Path
    why: str


def save(folder: Path, task: Task, position: Position, more: Mapping[str, Any], random: Sequence[dict[str, Any]]) -> Path:
    """Writes `folder/step_<step>`; returns it. `random` is every process's random state, by rank.

    `more` is what the state says besides: whose checkpoint it is, the last metrics, the state of the guards. A full disk
    raises UserError and leaves what was there before.
    """
    target = folder / f"step_{position.step:06d}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with whole_folder(target) as temporary:
            _write(temporary, task, position, more, random)
    except (OSError, SafetensorError, RuntimeError) as error:  # torch and safetensors wrap a full disk
        needed, free = needed_bytes(task) + len(random) * randomness.SIZE, shutil.disk_usage(folder).free
        why = "the disk is full" if free < needed else getattr(error, "strerror", None) or error
        raise UserError(f"the checkpoint of step {position.step:,} could not be written ({why}): it needs about "
                        f"{size(needed)}, {size(free)} are free; what was saved before stays whole. Make room, "
                        "then start the same command again") from error
    return target


def _write(folder: Path, task: Task, position: Position, more: Mapping[str, Any], random: Sequence[dict[str, Any]]) -> None:
    for name, model in task.models.items():
        save_file(_tensors(model), str(folder / f"{name}.safetensors"))
    torch.save({name: optimizer.state_dict() for name, optimizer in task.optimizers.items()}, folder / "optimizers.pt")
    torch.save(list(random), folder / "random.pt")
    write_json(folder / "state.json", {"format": FORMAT, "position": position.__dict__, **more})
    seal(folder)


def _tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's state on the CPU; tied weights become one copy for each name, since the format takes no sharing."""
    tensors: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for key, value in model.state_dict().items():
        value = value.detach().cpu().contiguous()
        tensors[key] = value.clone() if value.data_ptr() in seen else value
        seen.add(value.data_ptr())
    return tensors


def needed_bytes(task: Task) -> int:
    """How many bytes of tensors a checkpoint of this task takes: weights, and what the optimizers hold by now."""
    tensors = [tensor for model in task.models.values() for tensor in model.state_dict().values()]
    tensors += [value for optimizer in task.optimizers.values() for state in optimizer.state.values()
                for value in state.values() if isinstance(value, torch.Tensor)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def inspect(folder: Path) -> Found | Skipped:
    """Whether a folder is a whole checkpoint of this version."""
    state = read_json(folder / "state.json")
    if not isinstance(state, dict):
        return Skipped(folder, "it is incomplete")
    if state.get("format") != FORMAT:
        return Skipped(folder, f"its format is {state.get('format')!r}, this version reads {FORMAT!r}")
    try:
        why = broken(folder)
    except OSError as error:
        why = f"it cannot be read ({error.strerror})"
    if not why and _step(state) is None:
        why = "its state does not say which step it is"
    return Skipped(folder, why) if why else Found(folder, state)


def _step(state: Any) -> int | None:
    """The step that a state claims; None where its position is not of the right form."""
    try:
        said = Position(**state["position"])
    except (KeyError, TypeError):
        return None
    counts = [said.step, *(one for one in (said.samples, said.tokens) if one is not None)]  # a foreign program has none
    fits = all(type(one) is int and one >= 0 for one in counts) and type(said.seconds) in (int, float)
    return said.step if fits and said.step <= LARGEST_COUNT else None


def claims(folder: Path) -> list[tuple[Path, int | None, Any]]:
    """Folder, step and training of all that may be checkpoints, as they say: unreadable first, then the furthest."""
    folders = [path for path in sorted(folder.glob("*")) if path.is_dir() and not path.name.startswith(".")]
    states = [(path, read_json(path / "state.json")) for path in folders]
    said = [(path, _step(state), state.get("training_sha256") if isinstance(state, dict) else None)
            for path, state in states]
    return sorted(said, key=lambda claim: math.inf if claim[1] is None else claim[1], reverse=True)


def newest(folder: Path, training_sha256: str) -> tuple[Found | None, list[Skipped]]:
    """The whole checkpoint of this training that has come furthest, and those that were passed over to reach it."""
    skipped: list[Skipped] = []
    for path, _, training in claims(folder):
        one = inspect(path)
        if isinstance(one, Found) and training == training_sha256:
            return one, skipped
        foreign = Skipped(path, "it belongs to another training: the spec has changed since")
        skipped.append(one if isinstance(one, Skipped) else foreign)
    return None, skipped


def up_to(folder: Path, training_sha256: str, step: int) -> Found | None:
    """The furthest whole checkpoint of this training that has not come further than a step."""
    near = [path for path, claimed, training in claims(folder)
            if claimed is not None and claimed <= step and training == training_sha256]
    return next((found for path in near if isinstance(found := inspect(path), Found)), None)


def discard_after(folder: Path, training_sha256: str, step: int) -> None:
    """Deletes this training's checkpoints of later steps."""
    for path, claimed, training in claims(folder):
        if claimed is not None and claimed > step and training == training_sha256:
            discard(path)


def at_step(folder: Path, step: int) -> Found | Skipped | None:
    """The checkpoint of a step, whatever its folder is called; None if there is none."""
    found = [inspect(path) for path, claimed, _ in claims(folder) if claimed == step]
    whole = [one for one in found if isinstance(one, Found)]
    named = folder / f"step_{step:06d}"
    return (whole or found or ([inspect(named)] if named.is_dir() else [None]))[0]


def load(found: Found, task: Task, optimizers: bool = True, inherited: bool = False) -> None:
    """Puts a checkpoint into the task and the process's random state. Raises UserError where it does not fit.

    From an inherited one (a parent's) the optimizers take their moments alone: rate, decay, betas and whatever else a
    parameter group holds stay what this run's own snapshot made them. A process that the parent did not have keeps the
    random numbers that it began with.
    """
    try:
        for name, model in task.models.items():
            model.load_state_dict(load_file(str(found.folder / f"{name}.safetensors")))
        if optimizers:
            states = torch.load(found.folder / "optimizers.pt", map_location="cpu", weights_only=True)
            for name, optimizer in task.optimizers.items():
                _load_optimizer(optimizer, states[name], inherited)
        random = torch.load(found.folder / "random.pt", map_location="cpu", weights_only=True)
        if distributed.rank() < len(random):
            randomness.restore(random[distributed.rank()])
    except (KeyError, OSError, RuntimeError, SafetensorError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(f"{found.folder} does not fit this model: {str(error).splitlines()[0]}", MISUSED) from error


def _load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any], inherited: bool) -> None:
    theirs = [group.get("name") for group in state["param_groups"]]
    ours = [group.get("name") for group in optimizer.param_groups]
    if theirs != ours:
        raise ValueError(f"its optimizer has the groups {theirs}, this one {ours}; resume.optimizer: reset begins anew")
    settings = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    if inherited:
        for group, before in zip(optimizer.param_groups, settings, strict=True):
            group.update(before)
