"""A tiny GPT through the whole runtime: interrupted and resumed equals uninterrupted, bit for bit."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import pytest
import torch

from expc.compiler.contract.experiment import Experiment, Loading
from expc.compiler.contract.families.gpt import Config, Data, Model
from expc.compiler.contract.phases import Phase
from expc.compiler.contract.schedules import trapezoid
from expc.compiler.contract.training import Batch, ParameterGroup, Training
from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.journal import read_lines
from tests.runtime import processes, toy_family

STEPS = 40


def tiny(run: str) -> Experiment:
    """Two layers of width 16 on short rows, in three phases: one row; larger batches read ahead; a frozen table."""
    adam = {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-10}
    groups = (ParameterGroup("embedding", "adamw", "adamw", 0.1, 0.02, 0.0, adam),
              ParameterGroup("value_embeddings", "adamw", "adamw", 0.1, 0.02, 0.0, adam),
              ParameterGroup("unembedding", "adamw", "adamw", 0.1, 0.002, 0.0, adam),
              ParameterGroup("matrix", "muon", "muon", 0.02, 0.01, 0.1, {"momentum": 0.95}))
    batch = Batch(1, 64, 1, 1)
    phases = (Phase("first", 0, 6, batch, False, {}, {}, ()),
              Phase("second", 6, 27, Batch(2, 64, 2, 1), False, {"matrix": 2.0}, {}, ()),
              Phase("third", 27, STEPS, Batch(3, 64, 1, 1), False, {}, {}, ("embedding",)))
    made = Training("gpt", Config(Model(2, 16, 2, 320, 64, 1e5, 15.0), Data("synthetic", None, 60, 7, 0.1, False)),
                    batch, phases, groups, {"rate": trapezoid(0, STEPS, 2, 10, 0.1)}, 1.0, STEPS, 3, "fp32", False, None)
    loading = {"first": Loading(0, {}), "second": Loading(2, {}), "third": Loading(1, {})}
    base = toy_family.experiment(toy_family.training())
    return dataclasses.replace(base, run=run, name=run, training=made, loading=loading)


def lines(workspace: Path, run: str) -> list[dict[str, object]]:
    """Every metric that is not a time."""
    return [line for line in read_lines(workspace / "runs" / run / "metrics.jsonl") if line["kind"] != "pace"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_gpt_goes_on_as_if_nothing_had_happened(toy: Path, name: str) -> None:
    code, log = processes.run(toy, tiny("whole"))
    assert code == DONE, log
    process = processes.start(toy, tiny("broken"))
    process.wait_until(lambda: (toy / "runs" / "broken" / "checkpoints" / "step_000020").is_dir())
    process.signal(getattr(signal, name))
    assert process.end()[0] in (INTERRUPTED, -signal.SIGKILL)
    code, log = processes.run(toy, tiny("broken"))
    assert code == DONE and "going on from step_0000" in log, log
    one, two = (toy / "runs" / run / "checkpoints" / f"step_{STEPS:06d}" for run in ("whole", "broken"))
    assert (one / "gpt.safetensors").read_bytes() == (two / "gpt.safetensors").read_bytes()
    states = [torch.load(folder / "optimizers.pt", weights_only=True) for folder in (one, two)]
    for optimizer, state in states[0].items():
        for key, moments in state["state"].items():
            for moment, value in moments.items():
                assert torch.equal(torch.as_tensor(value), torch.as_tensor(states[1][optimizer]["state"][key][moment]))
    assert lines(toy, "whole") == lines(toy, "broken")
