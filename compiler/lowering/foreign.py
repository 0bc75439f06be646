"""The training of a foreign program, from a resolved spec: what it is told, and how little of it is known from outside.

It has no parameter groups and no curves, since nobody here sets its rates. A batch that the spec states is taken at its
word, so that samples and tokens can be counted; without one they are unknown.
"""

from __future__ import annotations

from typing import Any, Literal

from ..contract.experiment import Checkpointing
from ..contract.metrics import Metric, Signal
from ..contract.phases import Batch, whole
from ..contract.quantities import parse_count
from ..contract.training import Resume, Training
from ..contract.watching import Watching


def batch(plain: dict[str, Any]) -> Batch | None:
    """What one update sees, as the spec states it."""
    said = plain.get("batch")
    return Batch(said["rows"], said["sequence_length"], said["accumulation"], said["ranks"]) if said else None


def checkpointing(plain: dict[str, Any]) -> Checkpointing:
    """When the program saves, as the spec states it; what it deletes is its own business, so all of them count as kept."""
    every = parse_count(plain["checkpoint"]["every"] if "checkpoint" in plain else plain["steps"])
    return Checkpointing(every, 1, every)


def signals(watching: Watching) -> dict[str, Signal]:
    """What a condition can read of a foreign program: the step, and the figures that are read from it."""
    read = {name: Signal(Metric(name, "number", better(name)), "validation" if reader.kind == "valid" else "step")
            for reader in watching.readers for name in reader.figures}
    return {"step": Signal(Metric("step", "number", None), "step")} | read


def better(name: str) -> Literal["lower", "higher"] | None:
    """Which way a figure gets better, as far as its name says so."""
    parts = set(name.split("_"))
    if parts & {"loss", "error", "perplexity", "ppl", "bpb"}:
        return "lower"
    return "higher" if parts & {"accuracy", "acc", "score", "f1", "bleu", "reward"} else None


def training(plain: dict[str, Any], config: Any, resume: Resume | None) -> Training:
    """The training of a valid spec whose quantities can be read."""
    steps, stated = parse_count(plain["steps"]), batch(plain)
    return Training(
        family=plain["model"]["family"],
        config=config,
        batch=stated,
        phases=whole(resume.step if resume else 0, steps, stated) if stated else (),
        groups=(),
        curves={},
        gradient_clip=None,
        steps=steps,
        seed=plain.get("seed"),
        precision=plain.get("precision"),
        compile=False,
        resume=resume,
    )
