"""Checkpoints that are whole or not there, and that are trusted only after their hashes were checked.

A checkpoint is a folder `step_000500`: weights of each model in safetensors, optimizer and random state in files that are
loaded with `weights_only=True`, `state.json`, and `manifest.json` with every file's size and SHA-256. It is written under
a temporary name, synced and renamed. Names are not believed: what counts is the step that the state says.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from .errors import UserError
from .families import Task
from .files import read_json, remove_leftovers, sha256_of, whole_folder, write_json

FORMAT = "expc.checkpoint/1"
MANIFEST = "manifest.json"


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


def save(folder: Path, task: Task, position: Position, identity: dict[str, str], metrics: dict[str, Any]) -> Path:
    """Writes `folder/step_<step>`; returns it. A full disk raises UserError and leaves what was there before."""
    target = folder / f"step_{position.step:06d}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with whole_folder(target) as temporary:
            _write(temporary, task, position, identity, metrics)
    except OSError as error:
        free = shutil.disk_usage(folder).free
        needed = needed_bytes(task)
        raise UserError(f"the checkpoint of step {position.step:,} could not be written ({error.strerror or error}): it needs "
                        f"about {needed / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free; the last whole one stays. Make room, "
                        "then start the same command again") from error
    return target


def _write(folder: Path, task: Task, position: Position, identity: dict[str, str], metrics: dict[str, Any]) -> None:
    for name, model in task.models.items():
        tensors = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
        save_file(tensors, str(folder / f"{name}.safetensors"))
    torch.save({name: optimizer.state_dict() for name, optimizer in task.optimizers.items()}, folder / "optimizers.pt")
    torch.save(_random_state(), folder / "random.pt")
    write_json(folder / "state.json", {"format": FORMAT, "position": position.__dict__, "metrics": metrics, **identity})
    files = {path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in sorted(folder.iterdir())}
    write_json(folder / MANIFEST, files)


def needed_bytes(task: Task) -> int:
    """About how many bytes a checkpoint takes: weights and optimizer state (two moments a parameter at most)."""
    return sum(3 * p.numel() * p.element_size() for model in task.models.values() for p in model.parameters())


def inspect(folder: Path) -> Found | Skipped:
    """Whether a folder is a whole checkpoint of this version."""
    files, state = read_json(folder / MANIFEST), read_json(folder / "state.json")
    if not isinstance(files, dict) or not isinstance(state, dict):
        return Skipped(folder, "it is incomplete")
    if state.get("format") != FORMAT:
        return Skipped(folder, f"its format is {state.get('format')!r}, this version reads {FORMAT!r}")
    for name, said in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != said["bytes"]:
            return Skipped(folder, f"{name} is cut short or missing")
        if sha256_of(path) != said["sha256"]:
            return Skipped(folder, f"{name} does not match its checksum")
    return Found(folder, state)


def newest(folder: Path, training_sha256: str) -> tuple[Found | None, list[Skipped]]:
    """The whole checkpoint of this training that has come furthest, and those that were passed over."""
    found: list[Found] = []
    skipped: list[Skipped] = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        one = inspect(path) if path.is_dir() and not path.name.startswith(".") else None
        if isinstance(one, Found) and one.state.get("training_sha256") != training_sha256:
            one = Skipped(path, "it belongs to another training: the spec has changed since")
        if isinstance(one, Found):
            found.append(one)
        elif one is not None:
            skipped.append(one)
    return max(found, key=lambda one: one.position.step, default=None), skipped


def at_step(folder: Path, step: int) -> Found | Skipped | None:
    """The checkpoint of a step; None if there is none."""
    path = folder / f"step_{step:06d}"
    return inspect(path) if path.is_dir() else None


def load(found: Found, task: Task, optimizers: bool = True, random_state: bool = True) -> None:
    """Puts a checkpoint into the task; the process's random state too, where that is asked for."""
    for name, model in task.models.items():
        model.load_state_dict(load_file(str(found.folder / f"{name}.safetensors")))
    if optimizers:
        states = torch.load(found.folder / "optimizers.pt", map_location="cpu", weights_only=True)
        for name, optimizer in task.optimizers.items():
            optimizer.load_state_dict(states[name])
    if random_state:
        _restore(torch.load(found.folder / "random.pt", map_location="cpu", weights_only=True))


def prune(folder: Path, keep_last: int, keep_every: int | None) -> list[Path]:
    """Deletes checkpoints that retention does not keep; never the newest. Returns those deleted."""
    remove_leftovers(folder)
    steps = sorted((int(path.name[5:]), path) for path in folder.glob("step_*") if path.name[5:].isdecimal())
    dropped = [path for step, path in steps[:-keep_last] if not keep_every or step % keep_every]
    for path in dropped:
        shutil.rmtree(path)
    return dropped


def _random_state() -> dict[str, Any]:
    kind, words, position, has_gauss, gauss = np.random.get_state()
    state = {"torch": torch.get_rng_state(), "python": _plain(random.getstate()),
             "numpy": [str(kind), torch.from_numpy(np.asarray(words).astype(np.int64)), int(position), int(has_gauss),
                       float(gauss)]}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _restore(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, words, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((kind, words.numpy().astype(np.uint32), position, has_gauss, gauss))
    if "cuda" in state and torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
