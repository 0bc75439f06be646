"""What the runtime measures for guards: means over the updates between two readings, and only what is wanted."""

from __future__ import annotations

import pytest

from expc.compiler.contract.metrics import LIVE
from expc.runtime import gauges, memory
from expc.runtime.checkpoint import Position
from expc.runtime.gauges import Gauges
from expc.runtime.waiting import Waiting

FROM_THE_LOOP = {"step", "epoch", "rate"}


def test_figures_are_means_since_the_reading_before() -> None:
    waiting = Waiting()
    read = Gauges(frozenset({"step_seconds", "data_seconds", "tokens_per_second", "loss"}), waiting, Position(5, 0, 0, 1.0))
    waiting.seconds = 2.0
    assert read.read(Position(9, 0, 800, 5.0)) == {"step_seconds": 1.0, "data_seconds": 0.5, "tokens_per_second": 200.0}
    assert read.read(Position(10, 0, 900, 7.0)) == {"step_seconds": 2.0, "data_seconds": 0.0, "tokens_per_second": 50.0}


def test_nothing_is_measured_that_nobody_wants() -> None:
    assert Gauges(frozenset({"loss"}), Waiting(), Position(0, 0, 0, 0.0)).read(Position(1, 1, 1, 1.0)) == {}


def test_what_cannot_be_measured_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "gpu_utilisation", lambda: None)
    assert Gauges(frozenset({"gpu_util"}), Waiting(), Position(0, 0, 0, 0.0)).read(Position(1, 1, 1, 1.0)) == {}


def test_everything_that_conditions_may_read_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "gpu_utilisation", lambda: 0.5)
    names = frozenset(metric.name for metric in LIVE)
    assert Gauges(names, Waiting(), Position(0, 0, 0, 0.0)).read(Position(1, 1, 1, 1.0)).keys() == names - FROM_THE_LOOP


def test_running_out_of_memory_is_known_by_its_error() -> None:
    import torch

    assert memory.ran_out(torch.OutOfMemoryError()) and memory.ran_out(MemoryError())
    assert memory.ran_out(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"))
    assert not memory.ran_out(RuntimeError("shape mismatch"))
