"""Training of the glyph VAE as the one loop wants it: an update by its number and the samples before it, and validation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from expc.compiler.contract.phases import Phase
from expc.compiler.contract.training import Training, known

from ... import distributed, updates
from ...loading import Stream
from ...waiting import Waiting
from . import data
from .model import Batch, GlyphVAE, divergence, members, unpack

ACTIVE = 0.01
"""A dimension of z is active where its posterior mean has more variance than this over the held-out glyphs (Burda et al.
2016)."""


def optimizer(model: GlyphVAE, training: Training) -> torch.optim.Optimizer:
    """AdamW with the snapshot's groups. Rates are set before every update, from the snapshot."""
    parameters = members(model)
    return torch.optim.AdamW([updates.param_group(group, parameters[group.name]) for group in training.groups], fused=True)


class GlyphTask:
    """One experiment's glyph VAE on a device, with its data."""

    def __init__(self, training: Training, folder: Path, device: torch.device) -> None:
        self.training, self.device, self.waiting = training, device, Waiting()
        self.config = training.config
        model = GlyphVAE(self.config.model)
        model.initialise(known(training.seed))
        self.model = model.to(device)
        self.models: dict[str, nn.Module] = {"glyph_vae": self.model}
        self.optimizers = {"adamw": optimizer(self.model, training)}
        self.glyphs, self.held_out = data.load(folder, "train"), data.load(folder, "valid")
        self.enter(training.phases[0], 0)

    def enter(self, phase: Phase, workers: int) -> None:
        """The phase's batch, and its weights of the losses over the spec's own."""
        self.batch = batch = phase.batch
        self.weights = self.config.optimizer.losses | phase.losses
        compiled = phase.compile and self.device.type == "cuda"
        self.losses = torch.compile(self.model.losses) if compiled else self.model.losses
        samples = data.Samples(self.glyphs, self.config.model.latent, known(self.training.seed))
        self.stream = Stream(samples, batch.rows, batch.rows * batch.ranks, workers)

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """One update of AdamW. `loss` is the weighted sum that is minimised, with the KL's weight as warmed up so far."""
        batch, objective = self.batch, self.config.optimizer
        beta, free_each = self.weights["kl"] * objective.warmed(update), objective.free_bits_over == "dimension"
        sums = {name: torch.zeros((), device=self.device) for name in ("loss", "l1", "ce", "kl")}
        for first in batch.firsts(samples, distributed.rank()):
            with self.waiting:
                rows = self.stream.take(first)
            glyphs, chance = unpack(rows, self.config.model, self.device)
            with updates.precision(self.training, self.device):
                parts = self.losses(glyphs, chance[:, :-1], chance[:, -1] < objective.image_dropout, objective.free_bits,
                                    free_each)
            loss = self.weights["l1"] * parts["l1"] + self.weights["ce"] * parts["ce"] + beta * parts["held"]
            (loss / batch.accumulation).backward()
            for name, value in (("loss", loss), *((name, parts[name]) for name in ("l1", "ce", "kl"))):
                sums[name] += value.detach() / batch.accumulation
        logged = {name: distributed.mean(value) for name, value in sums.items()}
        logged["beta"] = torch.tensor(beta)
        logged["grad_norm"] = self._update()
        return logged

    def _update(self) -> Tensor:
        """Averages the gradients over all ranks, clips them where the spec says so, steps; the norm before clipping."""
        norm = updates.average_and_clip(self.model.parameters(), self.training.gradient_clip)
        updates.hold_options(self.optimizers, self.training)
        self.optimizers["adamw"].step()
        self.optimizers["adamw"].zero_grad(set_to_none=True)
        return norm

    @torch.no_grad()
    def validate(self, batches: int) -> dict[str, float]:
        """Held-out losses with z at the posterior's mean, and what z is worth.

        `valid_loss` has the spec's own weights, the KL's after its warmup, so that it means the same at every step;
        `active_units` counts dimensions of z, `z_gap` is what cross-entropy loses where z is 0 for every glyph, measured
        without the image where training hides it.
        """
        objective, parts, means = self.config.optimizer, [], []
        for glyphs in self._held_out(batches):
            with updates.precision(self.training, self.device):
                mu, log_variance = self.model.encoder(glyphs)
                l1, ce = self.model.reconstruction(glyphs, mu)
                seen = glyphs.hiding(torch.full_like(glyphs.commands[:, 0], objective.image_dropout > 0, dtype=torch.bool))
                _, told = self.model.reconstruction(seen, mu)
                _, blind = self.model.reconstruction(seen, torch.zeros_like(mu))
            parts.append(torch.stack((l1, ce, divergence(mu, log_variance).sum(1), blind - told)))
            means.append(mu)
        l1, ce, kl, gap = torch.cat(parts, dim=1).double().mean(1).tolist()
        weights = objective.losses
        active = int((torch.cat(means).double().var(0, correction=0) > ACTIVE).sum())
        return {"valid_loss": weights["l1"] * l1 + weights["ce"] * ce + weights["kl"] * kl, "valid_l1": l1, "valid_ce": ce,
                "valid_kl": kl, "active_units": float(active), "z_gap": gap}

    def _held_out(self, batches: int) -> Iterator[Batch]:
        """Held-out glyphs in batches of the training shape; of more than fit, evenly spread ones."""
        rows, count = known(self.training.batch).rows, len(self.held_out)
        indexes = spread(count, batches * rows)
        for first in range(0, len(indexes), rows):
            packed = torch.from_numpy(self.held_out.packed(indexes[first : first + rows]))
            yield unpack(packed, self.config.model, self.device)[0]


def spread(count: int, most: int) -> np.ndarray:
    """The numbers 0 to count - 1; of more than `most`, evenly spread ones."""
    return np.arange(count) if count <= most else np.arange(most) * count // most
