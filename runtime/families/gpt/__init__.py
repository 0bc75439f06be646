"""The GPT family for the runtime: a nanochat-style decoder on alphaTex text. What it is made of: `docs/gpt.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from expc.compiler.contract.codec import to_plain
from expc.compiler.contract.training import Training, known

from ...updates import precision, seconds_an_update
from .. import Say
from . import data as prepared
from . import tokenizer as bpe
from .data import TOKENIZER_FILE
from .generate import GPTGenerator
from .model import GPT
from .optimizers import build as build_optimizers
from .task import GPTTask

TEMPERATURE = 0.8
"""How boldly samples are drawn, as in the suites."""


def data_key(training: Training, workspace: Path) -> Any:
    """What the prepared data depend on: the data section, the texts it leads to, the vocabulary, the length to fill."""
    model, data = training.config.model, training.config.data
    return {"family": "gpt", "data": to_plain(data), "texts": prepared.texts_sha256(data, workspace),
            "vocabulary": model.vocabulary, "sequence_length": model.sequence_length}


def prepare(training: Training, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes tokenizer and token files into an empty folder; returns their fingerprint."""
    return prepared.prepare(training.config, workspace, folder, say)


def build(training: Training, data: Path, device: torch.device) -> GPTTask:
    """A freshly initialised model with its optimizers and data."""
    return GPTTask(training, data, device)


def generator(training: Training, data: Path, checkpoint: Path, device: torch.device) -> GPTGenerator:
    """What samples from the checkpoint in that folder."""
    model = GPT(training.config.model)
    model.load_state_dict(load_file(checkpoint / "gpt.safetensors"))
    return GPTGenerator(model.to(device).eval(), bpe.load(data / TOKENIZER_FILE))


def sample(training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path, count: int, seed: int,
           say: Say) -> tuple[Path, ...]:
    """So many pieces from their very beginning, as alphaTex files of at most the context's length."""
    texts = generator(training, data, checkpoint, device).generate(
        [""] * count, training.config.model.sequence_length, TEMPERATURE, seed, lambda done, total: None)
    made = tuple(folder / f"piece_{number:03d}.atex" for number in range(1, count + 1))
    for path, text in zip(made, texts, strict=True):
        path.write_text(text, encoding="utf-8")
        say(f"{path.name}: {len(text):,} characters")
    return made


def probe(training: Training, device: torch.device, updates: int) -> float:
    """Seconds an update on this machine: the mean of a few, on random tokens, after one that is not counted."""
    model = GPT(training.config.model)
    model.initialise(known(training.seed))
    model.to(device)
    optimizers = build_optimizers(model, training)
    batch = known(training.batch)
    shape = (batch.rows, batch.sequence_length)
    tokens = torch.randint(training.config.model.vocabulary, shape, device=device)

    def update() -> None:
        for _ in range(batch.accumulation):
            with precision(training, device):
                loss = model.loss(tokens, tokens)
            loss.backward()
        for optimizer in optimizers.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return seconds_an_update(device, updates, update)
