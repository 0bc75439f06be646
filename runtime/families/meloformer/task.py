"""Training of the MeloFormer as the one loop wants it: an update by its number and the samples before it, and validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expc.compiler.contract.phases import Phase
from expc.compiler.contract.training import Training, known

from ... import distributed, updates
from ...loading import Stream
from ...midi.vocabulary import KIND_OF, NAMES
from ...sampling import Sampler, held_out_starts
from ...waiting import Waiting
from . import data
from .model import NOTHING, MeloFormer


def adamw(model: MeloFormer, training: Training) -> torch.optim.AdamW:
    """One optimizer with the snapshot's groups: the blocks' matrices, and what stands for tokens and summaries."""
    members: dict[str, list[Tensor]] = {"matrix": list(model.blocks.parameters()),
                                        "embedding": [model.embedding.weight, model.summary_token]}
    return torch.optim.AdamW([updates.param_group(group, members[group.name]) for group in training.groups], fused=True)


class MeloFormerTask:
    """One experiment's MeloFormer on a device, with its data."""

    def __init__(self, training: Training, folder: Path, device: torch.device) -> None:
        self.training, self.device, self.waiting = training, device, Waiting()
        model = MeloFormer(training.config.model)
        model.initialise(known(training.seed))
        self.model = model.to(device)
        self.models: dict[str, nn.Module] = {"meloformer": self.model}
        self.adamw = adamw(self.model, training)
        self.optimizers: dict[str, torch.optim.Optimizer] = {"adamw": self.adamw}
        self.ids, self.held_out = data.load(folder, "train"), data.load(folder, "valid")
        self.enter(training.phases[0], 0)

    def enter(self, phase: Phase, workers: int) -> None:
        """Rows of the phase's length in batches of its size; shorter rows are cut anew from the same tokens."""
        self.batch = batch = phase.batch
        self.loss = torch.compile(self.model.loss) if phase.compile and self.device.type == "cuda" else self.model.loss
        sampler = Sampler(len(self.ids), batch.sequence_length, known(self.training.seed))
        self.stream = Stream(data.Rows(self.ids, sampler), batch.rows, batch.rows * batch.ranks, workers)

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """One update of AdamW; `loss` is the mean in nats a token over all its micro-batches, on all ranks."""
        self.model.train()
        batch, total = self.batch, torch.zeros((), device=self.device)
        for first in batch.firsts(samples, distributed.rank()):
            with self.waiting:
                rows = self.stream.take(first)
            rows = rows.to(self.device)
            with updates.precision(self.training, self.device):
                loss = self.loss(rows[:, :-1], rows[:, 1:])
            (loss / batch.accumulation).backward()
            total += loss.detach() / batch.accumulation
        norm = updates.average_and_clip(self.model.parameters(), self.training.gradient_clip)
        logged = {"loss": distributed.mean(total), "grad_norm": norm}
        updates.hold_options(self.optimizers, self.training)
        self.adamw.step()
        self.adamw.zero_grad(set_to_none=True)
        return logged

    @torch.no_grad()
    def validate(self, batches: int) -> dict[str, float]:
        """Held-out loss in nats a token over at most `batches` batches, and the same by the kind of the token to predict."""
        batch = known(self.training.batch)
        starts = held_out_starts(len(self.held_out), batch.sequence_length, batches * batch.rows)
        nats, counts = np.zeros(len(NAMES)), np.zeros(len(NAMES), dtype=np.int64)
        for first in range(0, len(starts), batch.rows):
            rows = torch.from_numpy(data.cut(self.held_out, starts[first : first + batch.rows], batch.sequence_length))
            losses = losses_of(self.model, rows, self.training, self.device)
            counted = rows[:, 1:] != NOTHING
            kinds = KIND_OF[rows[:, 1:][counted].numpy()]
            nats += np.bincount(kinds, losses[counted].numpy(), len(NAMES))
            counts += np.bincount(kinds, minlength=len(NAMES))
        by_kind = {f"nll_{name}": float(total / count) for name, total, count in zip(NAMES, nats, counts, strict=True)
                   if count and name != "special"}
        return {"valid_loss": float(nats.sum() / counts.sum()), **by_kind}


@torch.no_grad()
def losses_of(model: MeloFormer, rows: Tensor, training: Training, device: torch.device) -> Tensor:
    """Loss in nats of each token to predict in rows (B, length + 1), as (B, length) float64 on the CPU; 0 for `NOTHING`."""
    model.eval()
    rows = rows.to(device)
    with updates.precision(training, device):
        logits = model(rows[:, :-1].clamp(min=0))
    losses = F.cross_entropy(logits.transpose(1, 2), rows[:, 1:], ignore_index=NOTHING, reduction="none")
    return losses.double().cpu()
