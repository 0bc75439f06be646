"""The glyph VAE for the runtime: outlines of font glyphs, written from their image and z. What it is: `docs/glyph_vae.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.families.glyph_vae import COORDINATES
from expc.compiler.contract.training import Training, known

from ...updates import average_and_clip, precision, seconds_an_update
from .. import Say
from . import data as prepared
from . import pictures
from .evaluate import evaluate, load, sampled
from .fonts import files_sha256
from .model import GlyphVAE, unpack
from .outlines import END
from .task import GlyphTask, optimizer

__all__ = ["build", "data_key", "evaluate", "prepare", "probe", "sample"]


def data_key(training: Training, workspace: Path) -> Any:
    """What the prepared data depend on: the data section, the fonts it leads to, how long glyphs and how large images are."""
    model, data = training.config.model, training.config.data
    return {"family": "glyph_vae", "data": to_plain(data), "fonts": files_sha256(prepared.font_files(data, workspace)),
            "sequence_length": model.sequence_length, "image_size": model.image_size}


def prepare(training: Training, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes glyphs and their images into an empty folder; returns their fingerprint."""
    return prepared.prepare(training.config, workspace, folder, say)


def build(training: Training, data: Path, device: torch.device) -> GlyphTask:
    """A freshly initialised model with its optimizer and data."""
    return GlyphTask(training, data, device)


def sample(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, count: int, seed: int,
           say: Say) -> tuple[Path, ...]:
    """Writes `count` glyphs as SVG into a folder; the i-th depends on seed and i alone."""
    glyphs = sampled(training, load(training, checkpoint, device), prepared.load(data, "valid"), count, seed)
    paths = tuple(folder / f"glyph_{index:04d}.svg" for index in range(count))
    for path, glyph in zip(paths, glyphs, strict=True):
        pictures.svg([[glyph]], path)
    say(f"{count:,} glyphs")
    return paths


def probe(training: Training, device: torch.device, updates: int) -> float:
    """Seconds an update on this machine: the mean of a few, on random glyphs, after one that is not counted."""
    config, batch = training.config, known(training.batch)
    model = GlyphVAE(config.model)
    model.initialise(known(training.seed))
    adamw = optimizer(model.to(device), training)
    length, latent, objective = config.model.sequence_length, config.model.latent, config.optimizer
    glyphs, chance = unpack(torch.cat((
        torch.randint(1, END + 1, (batch.rows, length)).float(), torch.rand(batch.rows, COORDINATES * length),
        torch.rand(batch.rows, config.model.image_size**2), torch.randn(batch.rows, latent + 1)), dim=1), config.model, device)

    def update() -> None:
        for _ in range(batch.accumulation):
            with precision(training, device):
                parts = model.losses(glyphs, chance[:, :-1], chance[:, -1] < objective.image_dropout, objective.free_bits,
                                     objective.free_bits_over == "dimension")
            (parts["l1"] + parts["ce"] + parts["held"]).backward()
        average_and_clip(model.parameters(), training.gradient_clip)
        adamw.step()
        adamw.zero_grad(set_to_none=True)

    return seconds_an_update(device, updates, update)
