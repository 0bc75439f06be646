"""Training of generator and discriminators as the one loop wants it: an update of both, by its number and samples, and
validation.

In a phase whose adversarial weights are 0 and which freezes the discriminators, they are not looked at at all: their figures
are absent, which no guard takes for 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from expc.compiler.contract.families.timbre_restore import Losses
from expc.compiler.contract.phases import Phase
from expc.compiler.contract.training import Training, known

from ... import distributed, updates
from ...loading import Stream
from ...waiting import Waiting
from . import data, losses
from .discriminators import Discriminators
from .generator import Generator

Figures = dict[str, Tensor]


def build_optimizers(models: dict[str, nn.Module], training: Training) -> dict[str, torch.optim.Optimizer]:
    """An AdamW for each model, its one group of the same name. Rates are set before every update, from the snapshot."""
    return {group.name: torch.optim.AdamW([updates.param_group(group, models[group.name].parameters())])
            for group in training.groups}


def fresh(training: Training) -> tuple[Generator, Discriminators]:
    """Both models as they begin: drawn on the CPU from the seed, the same on every device."""
    model = training.config.model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(known(training.seed))
        return Generator(model.generator), Discriminators(model.discriminators)


class TimbreTask:
    """One experiment's generator and discriminators on a device, with the data of a folder, or without any."""

    def __init__(self, training: Training, folder: Path | None, device: torch.device) -> None:
        self.training, self.device, self.waiting = training, device, Waiting()
        generator, discriminators = fresh(training)
        self.generator, self.discriminators = generator.to(device), discriminators.to(device)
        self.models: dict[str, nn.Module] = {"generator": self.generator, "discriminators": self.discriminators}
        self.optimizers = build_optimizers(self.models, training)
        self.pairs = data.load(folder) if folder else data.Pairs(())
        self.enter(training.phases[0], 0)

    def enter(self, phase: Phase, workers: int) -> None:
        """Takes the phase's batch and loss weights; without discriminators to train or to please, passes them over."""
        self.batch = batch = phase.batch
        self.weights = Losses(**asdict(self.training.config.model.losses) | phase.losses)
        self.frozen = "discriminators" in phase.frozen
        pleases = self.weights.adversarial or self.weights.feature_matching
        self.judged = bool(len(list(self.discriminators.parameters())) and (pleases or not self.frozen))
        compiles = phase.compile and self.device.type == "cuda"
        self.restore = torch.compile(self.generator) if compiles else self.generator
        sampler = data.Sampler(self.training.config.data.clips, known(self.training.seed))
        self.stream = Stream(data.Rows(self.pairs, sampler), batch.rows, batch.rows * batch.ranks, workers)

    def step(self, update: int, samples: int) -> Figures:
        """One update of the discriminators, where they train, then one of the generator; figures are means over all ranks."""
        updates.hold_options(self.optimizers, self.training)
        with self.waiting:
            pairs = [self.stream.take(first) for first in self.batch.firsts(samples, distributed.rank())]
        logged = self._train_discriminators(pairs) if self.judged else {}
        logged |= self._train_generator(pairs)
        figures = {name: distributed.mean(value) for name, value in logged.items()}
        figures["grad_norm"] = self._update("generator")
        return figures

    def _train_discriminators(self, pairs: Sequence[Tensor]) -> Figures:
        if self.frozen:
            return {}
        logged: Figures = {}
        for degraded, clean in map(self._split, pairs):
            with torch.no_grad(), updates.precision(self.training, self.device):
                made = self.restore(degraded)
            with updates.precision(self.training, self.device):
                real, fake = self._scores(clean), self._scores(made)
            d_real, d_fake = losses.told_apart(real, fake)
            ((d_real + d_fake) / len(pairs)).backward()
            _add(logged, {"d_real": d_real, "d_fake": d_fake}, len(pairs))
        self._update("discriminators")
        return logged

    def _train_generator(self, pairs: Sequence[Tensor]) -> Figures:
        logged: Figures = {}
        self.discriminators.requires_grad_(False)  # they pass gradients on, and need none of their own
        for degraded, clean in map(self._split, pairs):
            with updates.precision(self.training, self.device):
                parts = self._parts(self.restore(degraded), clean)
            loss = self._total(parts)
            if loss.requires_grad:  # a phase may freeze the generator while the discriminators catch up
                (loss / len(pairs)).backward()
            _add(logged, {"loss": loss, **parts}, len(pairs))
        self.discriminators.requires_grad_(not self.frozen)
        return logged

    def _parts(self, made: Tensor, clean: Tensor) -> Figures:
        """The generator's losses, unweighted; those that need the discriminators only where the phase has them."""
        parts = {"l1": losses.l1(made, clean), "mrstft": losses.mrstft(made, clean, self.training.config.model.fft)}
        if self.judged:
            with torch.no_grad():
                real = self.discriminators(clean)
            fake = self.discriminators(made)
            parts |= {"adversarial": losses.fooled([one[-1].float() for one in fake]),
                      "feature_matching": losses.feature_matching(real, fake)}
        return parts

    def _scores(self, audio: Tensor) -> list[Tensor]:
        return [features[-1].float() for features in self.discriminators(audio)]

    def _total(self, parts: Figures) -> Tensor:
        weights = asdict(self.weights)
        return torch.stack([weights[name] * value for name, value in parts.items()]).sum()

    def _split(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        """Degraded and clean (B, T) of pairs (B, 2, T)."""
        degraded, clean = pair.to(self.device).unbind(1)
        return degraded.contiguous(), clean.contiguous()

    def _update(self, name: str) -> Tensor:
        """Averages gradients over the ranks, clips them where the spec says so, and takes the optimizer's step; returns
        their norm before it was clipped."""
        norm = updates.average_and_clip(self.models[name].parameters(), self.training.gradient_clip)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad(set_to_none=True)
        return norm

    @torch.no_grad()
    def validate(self, batches: int) -> dict[str, float]:
        """Held-out L1 and MRSTFT, their sum as `valid_loss` whatever the phase, and the phase's own weighted total."""
        rows, clips = known(self.training.batch).rows, self.training.config.data.clips
        held = self.training.config.data.valid_clips
        count, sums = 0, dict[str, float]()
        for first in range(0, min(held, batches * rows), rows):
            numbers = torch.arange(clips + first, clips + min(first + rows, held, batches * rows))
            measured = self._held_out(torch.from_numpy(self.pairs.take(numbers.numpy())))
            count += len(numbers)
            for name, value in measured.items():
                sums[name] = sums.get(name, 0.0) + value * len(numbers)
        means = {name: value / count for name, value in sums.items()}
        return {"valid_loss": means["valid_l1"] + means["valid_mrstft"], **means}

    def _held_out(self, pair: Tensor) -> dict[str, float]:
        degraded, clean = self._split(pair)
        with updates.precision(self.training, self.device):
            made = self.restore(degraded)
            parts = self._parts(made, clean)
        measured = {"l1": parts["l1"], "mrstft": parts["mrstft"], "total": self._total(parts)}
        if self.judged:
            measured["d_real"], measured["d_fake"] = losses.told_apart(self._scores(clean), self._scores(made))
        return {f"valid_{name}": float(value) for name, value in measured.items()}


def _add(sums: Figures, parts: Figures, count: int) -> None:
    for name, value in parts.items():
        sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value.detach() / count
