"""A tiny MeloFormer through the whole runtime: killed and resumed equals uninterrupted bit for bit, with dropout and phases."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

from expc.compiler.contract.experiment import Experiment, Loading
from expc.compiler.contract.phases import Phase
from expc.compiler.contract.schedules import trapezoid
from expc.compiler.contract.training import Batch
from expc.runtime.errors import DONE
from tests.runtime import processes, toy_family
from tests.runtime.equality import differences
from tests.runtime.families.meloformer import tiny

STEPS = 40


def experiment(run: str) -> Experiment:
    """Three phases as the shipped spec has them: one row read in place, one row read ahead, more rows."""
    batch = Batch(3, 128, 2, 1)
    phases = tuple(Phase(name, start, end, dataclasses.replace(batch, rows=rows), False, {}, {}, ())
                   for name, start, end, rows in (("compiling", 0, 8, 1), ("loading", 8, 24, 1), ("full", 24, STEPS, 3)))
    training = dataclasses.replace(tiny.training(STEPS, batch, dropout=0.2), phases=phases,
                                   curves={"rate": trapezoid(0, STEPS, 4, 10, 0.1)})
    base = toy_family.experiment(toy_family.training())
    loading = {name: Loading(workers, {}) for name, workers in (("compiling", 0), ("loading", 1), ("full", 1))}
    return dataclasses.replace(base, run=run, name=run, training=training, loading=loading)


def test_a_killed_meloformer_goes_on_as_if_nothing_had_happened(toy: Path) -> None:
    code, log = processes.run(toy, experiment("whole"))
    assert code == DONE, log
    process = processes.start(toy, experiment("broken"))
    process.wait_until(lambda: (toy / "runs" / "broken" / "checkpoints" / "step_000020").is_dir())
    process.signal(signal.SIGKILL)
    assert process.end()[0] == -signal.SIGKILL
    code, log = processes.run(toy, experiment("broken"))
    assert code == DONE and "going on from step_0000" in log, log
    found = differences(toy / "runs" / "whole", toy / "runs" / "broken", STEPS)
    assert [one for one in found if not one.startswith(("state: run is", "state: snapshot_sha256 is"))] == []
