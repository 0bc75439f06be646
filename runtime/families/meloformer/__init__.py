"""The MeloFormer family for the runtime: a two-level decoder on MIDI. What it is made of: `docs/meloformer.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.training import Training, known

from ...midi import files
from ...midi.encoding import decode
from ...updates import precision, seconds_an_update
from .. import Say
from . import data as prepared
from .evaluate import TEMPERATURE, evaluate, piece_seed, trained
from .model import MeloFormer
from .sampling import sample as write
from .task import MeloFormerTask, adamw

__all__ = ["build", "data_key", "evaluate", "prepare", "probe", "sample"]


def data_key(training: Training, workspace: Path) -> Any:
    """What the prepared data depend on: the data section, the music it leads to, and how rows are cut."""
    config = training.config
    return {"family": "meloformer", "data": to_plain(config.data), "music": prepared.source_sha256(config.data, workspace),
            "sequence_length": config.model.sequence_length, "bars": config.model.bars}


def prepare(training: Training, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes token files into an empty folder; returns their fingerprint."""
    return prepared.prepare(training.config, workspace, folder, say)


def build(training: Training, data: Path, device: torch.device) -> MeloFormerTask:
    """A freshly initialised model with its optimizer and data."""
    return MeloFormerTask(training, data, device)


def sample(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, count: int, seed: int,
           say: Say) -> tuple[Path, ...]:
    """So many pieces from their beginning, as MIDI files; what a piece breaks of the grammar is passed over."""
    model, made = trained(training, checkpoint, device), []
    for index in range(count):
        song = decode(write(model, training.config.model.sequence_length, piece_seed(seed, index), TEMPERATURE))
        made.append(folder / f"piece_{index + 1:03d}.mid")
        files.write(song, made[-1])
        notes = sum(map(len, song.tracks.values()))
        say(f"{made[-1].name}: {len(song.bars)} bars, {notes} notes, {len(song.tracks)} instruments")
    return tuple(made)


def probe(training: Training, device: torch.device, updates: int) -> float:
    """Seconds an update on this machine: the mean of a few, on random tokens, after one that is not counted."""
    model = MeloFormer(training.config.model)
    model.initialise(known(training.seed))
    model.to(device)
    optimizer, batch = adamw(model, training), known(training.batch)
    rows = torch.randint(training.config.model.vocabulary, (batch.rows, batch.sequence_length + 1), device=device)

    def update() -> None:
        for _ in range(batch.accumulation):
            with precision(training, device):
                loss = model.loss(rows[:, :-1], rows[:, 1:])
            loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return seconds_an_update(device, updates, update)
