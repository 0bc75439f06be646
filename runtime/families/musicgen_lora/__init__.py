"""The musicgen_lora family for the runtime: low-rank adapters on a frozen MusicGen. What it is made of:
`docs/musicgen_lora.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.training import Training, known

from ...updates import precision, seconds_an_update
from .. import Findings, Say
from . import adapter, base, data, evaluation, labels
from .task import LoraTask


def data_key(training: Training, workspace: Path) -> Any:
    """What the prepared clips and their base depend on."""
    return data.data_key(training.config, workspace)


def prepare(training: Training, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes clips as codes into an empty folder, a generated base beside it; returns their fingerprint."""
    return data.prepare(training.config, workspace, folder, say)


def build(training: Training, data: Path, device: torch.device) -> LoraTask:
    """A fresh adapter on its base, with optimizer and clips."""
    return LoraTask(training, data, device)


def evaluate(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, say: Say) -> Findings:
    """What the adapter in a checkpoint makes of the new style and of those that the base knew."""
    return evaluation.evaluate(training, data, checkpoint, device, folder, say)


def sample(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, count: int, seed: int,
           say: Say) -> tuple[Path, ...]:
    """Writes `count` wav files of the spec's prompts, one after another."""
    return evaluation.sample(training, data, checkpoint, device, folder, count, seed, say)


def probe(training: Training, device: torch.device, updates: int) -> float:
    """Seconds an update on this machine: the mean of a few, on random codes over a base of random weights, after one that
    is not counted. The base is of the real one's shape where that is on this machine, else see `not_counted`."""
    config, batch = training.config, known(training.batch)
    shape = base.shaped(config.model, config.data.sample_rate)
    model = adapter.adapt(shape.requires_grad_(False), config.model, 0).to(device)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad])
    codes = torch.randint(config.model.vocabulary, (batch.rows, config.data.frames, config.model.codebooks), device=device)
    wanted = labels.labels(codes, torch.full((batch.rows,), config.data.frames, device=device), mask=False)
    text = {name: torch.ones(batch.rows, 8, dtype=torch.int64, device=device) for name in ("input_ids", "attention_mask")}

    def update() -> None:
        for _ in range(batch.accumulation):
            with precision(training, device):
                logits = base.forward(model, wanted, text)
            sums, counts = labels.losses(logits, wanted)
            (sums.sum() / counts.sum()).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return seconds_an_update(device, updates, update)


def not_counted(training: Training) -> str:
    """What `probe` leaves out of its updates here; empty where nothing."""
    said = training.config.model.base
    if said is None or base.configuration(said) is not None:
        return ""
    return f"the text and audio encoder of {said}, which is not on this machine yet"
