"""The families' memory formulas against what torch's profiler sees real training steps allocate, eager fp32 on a CPU.

A family's file here holds its configurations, `CASES`, and how far off a prediction may be, `TOLERANCE`. A case is a frozen
dataclass whose fields are the table's columns. Measured is the second update: optimizer states are there, as in all later
ones.
"""

from __future__ import annotations

import dataclasses
import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from expc.compiler.contract.phases import whole
from expc.compiler.contract.schedules import constant
from expc.compiler.contract.training import Batch, Training, known
from expc.compiler.families import family
from expc.runtime.families import load

MEASURED = "measured update"


class Case(Protocol):
    """One configuration of a family."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def training(self) -> Training:
        """The run that a spec of this size compiles to."""
        ...

    def prepare(self, folder: Path) -> None:
        """Writes prepared data, enough for two updates, into an empty folder."""
        ...


def run(name: str, config: Any, batch: Batch, optimizer: dict[str, Any], clip: float | None) -> Training:
    """Ten updates of a family from scratch at a constant rate, eager and in fp32; `optimizer` is a spec's section."""
    groups = family(name).groups({"optimizer": optimizer}, config, batch)
    curves = {"rate": constant(1.0, 0, 10)}
    return Training(name, config, batch, whole(0, 10, batch), groups, curves, clip, 10, 0, "fp32", False, None)


def error(case: Case) -> tuple[int, int, float]:
    """Predicted and measured bytes, and the prediction's relative error."""
    said, seen = sum(predicted(case).values()), measured(case)
    return said, seen, said / seen - 1


def predicted(case: Case) -> dict[str, int]:
    """Bytes at the peak by part, by the formula."""
    training = case.training()
    formula = family(training.family).memory
    return formula(training.config, known(training.batch), training.precision, training.compile, "cpu")


def measured(case: Case) -> int:
    """Bytes at the peak of the second update, by the profiler's record of every allocation since before the model."""
    training = case.training()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        case.prepare(folder)
        gc.collect()  # a model of before that is freed while this one is watched would count against it
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
            task = load(training.family).build(training, folder, torch.device("cpu"))
            task.enter(training.phases[0], 0)
            task.step(0, 0)
            with record_function(MEASURED):
                task.step(1, known(training.batch).samples)
    return max(_held(watched))


def _held(watched: profile) -> Iterator[int]:
    """Allocated bytes after every change while the marked update ran."""
    assert watched.profiler is not None and watched.profiler.kineto_results is not None
    events = watched.profiler.kineto_results.events()
    mark = next(event for event in events if event.name() == MEASURED)
    first, last = mark.start_ns(), mark.start_ns() + mark.duration_ns()
    held = 0
    for moment, change in sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"):
        held += change
        if first <= moment <= last:
            yield held


def columns(case: Case) -> dict[str, str]:
    """The case's cells by their headings: its fields and how many parameters it trains."""
    training = case.training()
    cells = {field.name: getattr(case, field.name) for field in dataclasses.fields(case)}
    count = sum(family(training.family).parameters(training.config).values())
    return {name: f"{value:,}" if isinstance(value, int) else "-" if value is None else str(value)
            for name, value in (cells | {"parameters": count}).items()}
