"""Training of the GPT as the one loop wants it: an update by its number and the samples before it, and validation."""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from expc.compiler.contract.phases import Phase
from expc.compiler.contract.training import Training, known

from ... import distributed, updates
from ...loading import Stream
from ...sampling import Sampler, held_out_starts
from ...waiting import Waiting
from . import data, optimizers
from .model import GPT


class GPTTask:
    """One experiment's GPT on a device, with its data."""

    def __init__(self, training: Training, folder: Path, device: torch.device) -> None:
        model = training.config.model
        self.training, self.device, self.waiting = training, device, Waiting()
        gpt = GPT(model)
        gpt.initialise(known(training.seed))
        self.gpt = gpt.to(device)
        self.models: dict[str, nn.Module] = {"gpt": self.gpt}
        self.optimizers = optimizers.build(self.gpt, training)
        self.tokens = data.load(folder, "train", model.vocabulary)
        self.held_out = {"valid": data.load(folder, "valid", model.vocabulary)}
        if training.config.data.tunes:
            self.held_out["tunes"] = data.load(folder, "tunes", model.vocabulary)
        self.enter(training.phases[0], 0)

    def enter(self, phase: Phase, workers: int) -> None:
        """Rows of the phase's length in batches of its size; shorter rows are cut anew from the same tokens."""
        self.batch = batch = phase.batch
        self.loss = torch.compile(self.gpt.loss) if phase.compile and self.device.type == "cuda" else self.gpt.loss
        sampler = Sampler(len(self.tokens.ids), batch.sequence_length, known(self.training.seed))
        self.stream = Stream(data.Rows(self.tokens, sampler), batch.rows, batch.rows * batch.ranks, workers)

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """One update of Muon and AdamW; `loss` is the mean in nats a token over all its micro-batches, on all ranks."""
        batch = self.batch
        total = torch.zeros((), device=self.device)
        for first in batch.firsts(samples, distributed.rank()):
            with self.waiting:
                rows = self.stream.take(first)
            inputs, targets = self._pairs(rows)
            with updates.precision(self.training, self.device):
                loss = self.loss(inputs, targets)
            (loss / batch.accumulation).backward()
            total += loss.detach() / batch.accumulation
        logged = {"loss": distributed.mean(total)}
        logged["grad_norm"] = updates.average_and_clip(self.gpt.parameters(), self.training.gradient_clip)
        updates.hold_options(self.optimizers, self.training)
        for optimizer in self.optimizers.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return logged

    def _pairs(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets (rows, length) of token rows (rows, length + 1)."""
        rows = rows.to(self.device)
        return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()

    @torch.no_grad()
    def validate(self, batches: int) -> dict[str, float]:
        """Held-out loss in nats a token and bits a byte over at most `batches` batches; the shipped tunes in full."""
        loss, bits = self._held_out(self.held_out["valid"], batches)
        measured = {"valid_loss": loss, "valid_bits_per_byte": bits}
        if "tunes" in self.held_out:
            measured["tunes_loss"] = self._held_out(self.held_out["tunes"], None)[0]
        return measured

    def _held_out(self, tokens: data.Tokens, batches: int | None) -> tuple[float, float]:
        rows, length = known(self.training.batch).rows, known(self.training.batch).sequence_length
        starts = held_out_starts(len(tokens.ids), length, batches and batches * rows)
        nats, count, text_bytes = 0.0, 0, 0
        for first in range(0, len(starts), rows):
            inputs, targets = self._pairs(torch.from_numpy(tokens.rows(starts[first : first + rows], length)))
            with updates.precision(self.training, self.device):
                logits = self.gpt(inputs.clamp(min=0))
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=data.NOTHING, reduction="sum")
            nats += float(loss)
            seen = targets[targets != data.NOTHING]
            count += seen.numel()
            text_bytes += int(tokens.bytes_of[seen.cpu().numpy()].sum())
        return nats / count, nats / math.log(2) / max(text_bytes, 1)
