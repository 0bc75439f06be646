"""A MusicGen small enough for tests, with its spec: 2 layers of width 32, 32 codes, clips of one second at 25 frames."""

from __future__ import annotations

import dataclasses
from typing import Any

from expc.compiler.contract.families.musicgen_lora import Config, Data, Model
from expc.compiler.contract.phases import Batch, whole
from expc.compiler.contract.schedules import trapezoid
from expc.compiler.contract.training import ParameterGroup, Training

TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
MODEL = Model(None, 80, 2, 32, 2, 128, 16, 4, 32, 4, 8.0, 0.1, TARGETS)
DATA = Data("synthetic", None, 12, 4, 1.0, 1.0, 25.0, 4000, True, 1, ("a fast square arpeggio", "slow round bass notes"), 3.0)
BATCH = Batch(2, 25, 2, 1)


def training(batch: Batch = BATCH, steps: int = 6, model: Model = MODEL, **data: Any) -> Training:
    """A short training at a constant rate; keyword arguments replace fields of the data."""
    adam = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    group = ParameterGroup("adapter", "adamw", "adamw", 1e-2, 1e-2, 0.0, adam)
    config = Config(model, dataclasses.replace(DATA, **data))
    return Training("musicgen_lora", config, batch, whole(0, steps, batch), (group,), {"rate": trapezoid(0, steps, 0, 0, 1.0)},
                    1.0, steps, 3, "fp32", False, None)
