"""The timbre_restore family for the runtime: a causal U-Net against HiFi-GAN's discriminators. `docs/timbre_restore.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.training import Training, known

from ...updates import seconds_an_update
from .. import Findings, Say
from . import data as prepared
from . import judge
from .task import TimbreTask


def data_key(training: Training, workspace: Path) -> Any:
    """What the prepared data depend on: the data section, what it leads to, rate and length of the excerpts."""
    model, data = training.config.model, training.config.data
    return {"family": "timbre_restore", "data": to_plain(data), "sources": prepared.sources_sha256(training.config, workspace),
            "sample_rate": model.sample_rate, "segment": model.segment}


def prepare(training: Training, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes pairs of excerpts and their lists into an empty folder; returns their fingerprint."""
    return prepared.prepare(training.config, workspace, folder, say)


def prepared_bytes(training: Training) -> int:
    """What the prepared data take on the disk: every excerpt twice, degraded and clean, in 16 bits a frame."""
    data = training.config.data
    return int((data.clips + data.valid_clips) * 2 * training.config.model.segment * 2)


def build(training: Training, data: Path, device: torch.device) -> TimbreTask:
    """Freshly initialised models with their optimizers and data."""
    return TimbreTask(training, data, device)


def evaluate(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, say: Say) -> Findings:
    """What the checkpoint in that folder is worth; writes recordings and spectrograms into an empty `folder`."""
    return judge.evaluate(training, data, checkpoint, device, folder, say)


def sample(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, count: int, seed: int,
           say: Say) -> tuple[Path, ...]:
    """Restores `count` held-out excerpts into `folder`; the i-th depends on seed and i alone."""
    return judge.sample(training, data, checkpoint, device, folder, count, seed, say)


def probe(training: Training, device: torch.device, updates: int) -> float:
    """Seconds an update on this machine: the mean of a few of the last phase's, on noise, after one that is not counted."""
    task, batch = TimbreTask(training, None, device), known(training.batch)
    task.enter(training.phases[-1], 0)
    pairs = [torch.rand(batch.rows, 2, training.config.model.segment) - 0.5 for _ in range(batch.accumulation)]
    task.stream.take = lambda first: pairs[0]  # type: ignore[method-assign]
    return seconds_an_update(device, updates, lambda: float(task.step(0, 0)["loss"]))
