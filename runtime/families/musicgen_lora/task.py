"""Training of an adapter as the one loop wants it: an update by its number and the samples before it, and validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from expc.compiler.contract.phases import Phase
from expc.compiler.contract.training import Training, known

from ... import distributed, updates
from ...loading import Stream
from ...waiting import Waiting
from . import adapter, base, data, labels


class LoraTask:
    """One experiment's adapter on its frozen base, on a device, with its clips."""

    def __init__(self, training: Training, folder: Path, device: torch.device) -> None:
        self.training, self.device, self.waiting = training, device, Waiting()
        self.config = training.config
        place = data.base_of(folder)
        model, self.tokenizer = base.load(place)
        base.check(model, self.config.model, place)
        self.model = adapter.adapt(model, self.config.model, known(training.seed)).to(device)
        self.models: dict[str, nn.Module] = {adapter.NAME: adapter.Adapter(self.model)}
        self.trained = list(self.models[adapter.NAME].parameters())
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW([updates.param_group(training.groups[0], self.trained)], fused=True)}
        self.clips = data.Clips(data.load(folder, "train"), known(training.seed))
        self.held_out, self.prompts = data.load(folder, "valid"), data.prompts(folder)
        self.enter(training.phases[0], 0)

    def enter(self, phase: Phase, workers: int) -> None:
        """Batches of the phase's size."""
        self.batch = batch = phase.batch
        self.stream = Stream(self.clips, batch.rows, batch.rows * batch.ranks, workers)

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """One update of AdamW; `loss` is the mean in nats over all counted codes of the update, on all ranks.

        A label weighs the same wherever it stands: each micro-batch is divided by the labels of the whole update, so that
        2 x 4 clips make the same gradient as 1 x 8, and short clips weigh no more than long ones.
        """
        batch, data_ = self.batch, self.config.data
        self.model.train()
        self.model.text_encoder.eval()  # frozen: a prompt says in training what it says when the model is heard
        counted = (self.clips.sounding(samples, batch.samples) if data_.mask_padding
                   else batch.samples * data_.frames) * self.config.model.codebooks
        total = torch.zeros((), device=self.device)
        for first in batch.firsts(samples, distributed.rank()):
            with self.waiting:
                rows = self.stream.take(first)
            sums, _ = self._losses(rows, data_.mask_padding)
            loss = sums.sum() / max(counted, 1)
            loss.backward()
            total += loss.detach()
        logged = {"loss": distributed.mean(total) * distributed.world_size()}
        norm = updates.average_and_clip(self.trained, self.training.gradient_clip, shares=distributed.world_size())
        updates.hold_options(self.optimizers, self.training)
        self.optimizers["adamw"].step()
        self.optimizers["adamw"].zero_grad(set_to_none=True)
        return logged | {"grad_norm": norm}

    def _losses(self, rows: Tensor, mask: bool) -> tuple[Tensor, Tensor]:
        """(summed cross-entropy, counted labels) by codebook, of rows (B, 1 + frames, codebooks)."""
        rows = rows.to(self.device)
        wanted = labels.labels(rows[:, data.HEADER :], rows[:, 0, 0], mask)
        text = base.encoded(self.tokenizer, [self.prompts[index] for index in rows[:, 0, 1].tolist()])
        with updates.precision(self.training, self.device):
            logits = base.forward(self.model, wanted, {name: one.to(self.device) for name, one in text.items()})
        return labels.losses(logits, wanted)

    def validate(self, batches: int) -> dict[str, float]:
        """Held-out losses in nats over at most `batches` batches: `valid_loss` counts what training counts,
        `sounding_loss` and those of the codebooks count sounding frames alone, whatever the mask."""
        rows = self.held_out[: batches * known(self.training.batch).rows]
        sounding, codes = self.held_out_losses(rows, mask=True)
        own = (sounding, codes) if self.config.data.mask_padding else self.held_out_losses(rows, mask=False)
        by_book = {f"codebook_{index}_loss": float(one) for index, one in enumerate(sounding / codes, 1)}
        return {"valid_loss": float(own[0].sum() / own[1].sum()), "sounding_loss": float(sounding.sum() / codes.sum()),
                **by_book}

    @torch.no_grad()
    def held_out_losses(self, clips: np.ndarray, mask: bool) -> tuple[Tensor, Tensor]:
        """(summed cross-entropy, counted labels) by codebook over clips (clips, 1 + frames, codebooks), without dropout."""
        self.model.eval()
        rows, size = torch.from_numpy(np.asarray(clips, dtype=np.int64)), known(self.training.batch).rows
        pairs = [self._losses(rows[first : first + size], mask) for first in range(0, len(rows), size)]
        sums, counts = zip(*pairs, strict=True)
        return torch.stack(sums).sum(dim=0).double(), torch.stack(counts).sum(dim=0)
