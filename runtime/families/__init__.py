"""The model families that can be trained, and what the one loop asks of them.

A family prepares data and builds a `Task`; a task owns models and optimizers and knows how to take one update. The loop
counts, saves, validates and records, and knows no family. A family is registered here, in the compiler's table and in the
contract's, with one line each.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from expc.compiler.contract.phases import Phase
from expc.compiler.contract.training import Training

from ..errors import UserError
from ..waiting import Waiting

FAMILIES = {
    "gpt": "expc.runtime.families.gpt",
    "glyph_vae": "expc.runtime.families.glyph_vae",
    "meloformer": "expc.runtime.families.meloformer",
    "musicgen_lora": "expc.runtime.families.musicgen_lora",
    "timbre_restore": "expc.runtime.families.timbre_restore",
    "nanochat": "expc.runtime.families.nanochat",
}
Say = Callable[[str], None]


class Task(Protocol):
    """One experiment's models and optimizers on a device. Every parameter group carries `name`, as in the snapshot."""

    models: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    waiting: Waiting
    """Entered around every fetch of data for an update."""

    def enter(self, phase: Phase, workers: int) -> None:
        """Makes ready for the updates of a phase: its batch, loss weights, compilation, and processes that read ahead.

        Called before the first update, and again whenever another phase begins; may be called at any time.
        """
        ...

    def step(self, update: int, samples: int) -> dict[str, Tensor]:
        """Takes one optimizer update of the phase, accumulation included; `samples` were served before it.

        Which samples it takes is a function of the seed and that counter alone. Returns detached 0-dim tensors: `loss`,
        and whatever else the family logs.
        """
        ...

    def validate(self, batches: int) -> dict[str, float]:
        """Held-out figures over at most `batches` batches of the training shape; `valid_loss` is among them."""
        ...


class Generator(Protocol):
    """Samples from one checkpoint."""

    def generate(self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int,
                 progress: Callable[[int, int], None]) -> list[str]:
        """A completion (without its prompt) for each prompt; the i-th depends on prompt, seed and i alone."""
        ...


@dataclass(frozen=True)
class Exhibit:
    """Something to look at or listen to: a file, relative to the evaluation's folder, and what it shows, by language."""

    path: str
    kind: Literal["figure", "audio", "file"]
    caption: dict[str, str]


@dataclass(frozen=True)
class Findings:
    """What a family's own evaluation found. `measured` is by metric; `against` holds the same metrics of what the model is
    compared with, such as the untrained model or its own input. What could not be measured is left out, never zero."""

    measured: dict[str, float]
    against: dict[str, dict[str, float]]
    exhibits: tuple[Exhibit, ...]


class Family(Protocol):
    """What a family's module offers. It is judged by suites, through `generator`, or else by its own `evaluate`."""

    def data_key(self, training: Training, workspace: Path) -> Any:
        """Plain values that determine the prepared data."""
        ...

    def prepare(self, training: Training, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
        """Writes the data into an empty folder; returns its fingerprint, plain values with at least `sha256`."""
        ...

    def build(self, training: Training, data: Path, device: torch.device) -> Task:
        """Fresh models and optimizers, initialised from the seed."""
        ...

    def probe(self, training: Training, device: torch.device, updates: int) -> float:
        """Seconds that an update takes on this machine, measured on a few; needs no prepared data."""
        ...

    def evaluate(self, training: Training, data: Path, checkpoint: Path, device: torch.device, folder: Path,
                 say: Say) -> Findings:
        """What the checkpoint in that folder is worth; writes its exhibits into an empty `folder`."""
        ...

    def generator(self, training: Training, data: Path, checkpoint: Path, device: torch.device) -> Generator:
        """What samples from the checkpoint in that folder."""
        ...


def load(name: str) -> Any:
    """The family's module. Raises UserError for a name that this version does not train."""
    if name not in FAMILIES:
        raise UserError(f"this version trains {', '.join(FAMILIES)}, not {name}")
    return importlib.import_module(FAMILIES[name])
