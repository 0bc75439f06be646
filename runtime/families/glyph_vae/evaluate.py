"""The evaluation of a glyph VAE: a checkpoint and held-out glyphs in, figures beside the untrained model's and pictures out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from expc.compiler.contract.training import Training, known

from .. import Exhibit, Findings, Say
from . import data, pictures
from .freerun import write
from .likeness import chamfer, overlap
from .model import Batch, GlyphVAE, unpack
from .outlines import PAD, Glyph, closed_contours
from .task import spread

GLYPHS = 200
"""Held-out glyphs that are reconstructed; of more, evenly spread ones."""
ROWS = 50
SHOWN = 16
CAPTIONS = {
    "reconstructions": {"zh": "留出的字形（上）与模型照图像和 z 写出的轮廓（下）",
                        "en": "Held-out glyphs (above), and what the model writes from their images and z (below)"},
    "samples": {"zh": "从先验抽取 z 写出的字形", "en": "Glyphs written from z drawn from the prior"},
}


def load(training: Training, checkpoint: Path, device: torch.device) -> GlyphVAE:
    """The model of a checkpoint, ready to write."""
    model = GlyphVAE(training.config.model)
    model.load_state_dict(load_file(checkpoint / "glyph_vae.safetensors"))
    return model.to(device).eval()


def evaluate(training: Training, folder: Path, checkpoint: Path, device: torch.device, target: Path, say: Say) -> Findings:
    """Reconstructs held-out glyphs with this checkpoint and with the model as it was before any training."""
    held_out = data.load(folder, "valid")
    chosen = spread(len(held_out), GLYPHS)
    untrained = GlyphVAE(training.config.model)
    untrained.initialise(known(training.seed))
    say(f"writing {len(chosen):,} held-out glyphs, and again with the untrained model")
    trained = load(training, checkpoint, device)
    measured, written = _measure(trained, held_out, chosen)
    before, _ = _measure(untrained.to(device).eval(), held_out, chosen)
    return Findings(measured, {"untrained": before}, _exhibits(training, trained, held_out, chosen, written, target))


def _measure(model: GlyphVAE, held_out: data.Glyphs, chosen: np.ndarray) -> tuple[dict[str, float], list[Glyph]]:
    """Figures over glyphs that the model writes from their images and the posterior's mean, and those glyphs."""
    written: list[Glyph] = []
    right, tokens = 0, 0
    for first in range(0, len(chosen), ROWS):
        batch = _batch(model, held_out, chosen[first : first + ROWS])
        z = _mean(model, batch)
        written += write(model, batch.images, z)
        hits, count = _hits(model, batch, z)
        right, tokens = right + hits, tokens + count
    meant = [original(held_out, index) for index in chosen]
    contours = np.asarray([closed_contours(one.commands) for one in written]).sum(0)
    return {
        "chamfer": float(np.mean([chamfer(*pair) for pair in zip(written, meant, strict=True)])),
        "raster_iou": float(np.mean([overlap(*pair) for pair in zip(written, meant, strict=True)])),
        "command_accuracy": right / tokens,
        "closed_contours": float(contours[0] / contours[1]) if contours[1] else 0.0,
    }, written


def _batch(model: GlyphVAE, held_out: data.Glyphs, indexes: np.ndarray) -> Batch:
    return unpack(torch.from_numpy(held_out.packed(indexes)), model.model, model.used.device)[0]


@torch.inference_mode()
def _mean(model: GlyphVAE, batch: Batch) -> Tensor:
    mean: Tensor = model.encoder(batch)[0]
    return mean


@torch.inference_mode()
def _hits(model: GlyphVAE, batch: Batch, z: Tensor) -> tuple[int, int]:
    """Commands that are the likeliest after the true ones before them, of how many."""
    likeliest = model(batch, z)[0].argmax(-1)
    return int(((likeliest == batch.commands) & batch.real).sum()), int(batch.real.sum())


def original(glyphs: data.Glyphs, index: int) -> Glyph:
    """A prepared glyph without its PAD."""
    length = int((glyphs.commands[index] != PAD).sum())
    return Glyph(np.asarray(glyphs.commands[index, :length]), np.asarray(glyphs.coordinates[index, :length]))


def _exhibits(training: Training, model: GlyphVAE, held_out: data.Glyphs, chosen: np.ndarray, written: list[Glyph],
              target: Path) -> tuple[Exhibit, ...]:
    """Originals above reconstructions, and samples, each as PNG and SVG."""
    places = spread(len(chosen), SHOWN)
    pairs = [[original(held_out, chosen[place]) for place in places], [written[place] for place in places]]
    drawn = sampled(training, model, held_out, SHOWN, known(training.seed))
    for name, rows in (("reconstructions", pairs), ("samples", [drawn])):
        pictures.png(rows, target / f"{name}.png")
        pictures.svg(rows, target / f"{name}.svg")
    return (*(Exhibit(f"{name}.png", "figure", caption) for name, caption in CAPTIONS.items()),
            *(Exhibit(f"{name}.svg", "file", caption) for name, caption in CAPTIONS.items()))


def sampled(training: Training, model: GlyphVAE, held_out: data.Glyphs, count: int, seed: int) -> list[Glyph]:
    """Glyphs from z drawn from the prior; the i-th depends on seed and i alone.

    A decoder that has learnt to do without images sees none; any other is shown those of held-out glyphs in turn.
    """
    glyphs: list[Glyph] = []
    for index in range(count):
        generator = torch.Generator().manual_seed(int(np.random.SeedSequence((seed, index)).generate_state(1)[0]))
        z = torch.randn((1, model.model.latent), generator=generator).to(model.used.device)
        batch = _batch(model, held_out, np.asarray([index % len(held_out)]))
        hides = training.config.optimizer.image_dropout > 0
        glyphs += write(model, torch.zeros_like(batch.images) if hides else batch.images, z)
    return glyphs
