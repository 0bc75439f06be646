"""The watchdog's clock: a process that is paused as a whole has not hung, one whose main thread hangs has."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from torch import Tensor

from expc.runtime.errors import DONE, STOPPED_BY_GUARD
from expc.runtime.files import read_json
from expc.runtime.waiting import Waiting
from expc.runtime.watchdog import Watchdog
from tests.runtime import processes, toy_family
from tests.runtime.test_guards import guard

PAUSE = 4.0


def computes() -> None:
    """Some updates take half a second of the processor's time, which does not pass while the process is paused."""
    step = toy_family.ToyTask.step

    def slow(self: toy_family.ToyTask, update: int, samples: int) -> dict[str, Tensor]:
        ends = time.process_time() + (0.5 if 10 <= update < 13 else 0.0)
        while time.process_time() < ends:
            pass
        return step(self, update, samples)

    toy_family.ToyTask.step = slow  # type: ignore[method-assign]


@pytest.mark.parametrize(("hang_at", "code"), [(None, DONE), (40, STOPPED_BY_GUARD)])
def test_a_run_that_was_paused_goes_on(toy: Path, hang_at: int | None, code: int) -> None:
    """Paused for longer than its guard would wait; one that really hangs afterwards is ended all the same."""
    training = toy_family.with_model(toy_family.training(60), hang_at=hang_at)
    experiment = toy_family.experiment(training, guards=(guard(f"no progress for {PAUSE - 1:g}s", "stop"),))
    process = processes.start(toy, experiment, before=computes)
    process.wait_until(lambda: (toy / "runs" / "toy" / "checkpoints" / "step_000010").is_dir())
    process.signal(signal.SIGSTOP)
    time.sleep(PAUSE)
    process.signal(signal.SIGCONT)
    ended, log = process.end()
    assert ended == code, log
    assert (read_json(toy / "runs" / "toy" / "record.json")["step"] == 60) == (code == DONE)


def test_only_pauses_since_the_last_beat_are_taken_off() -> None:
    one = Watchdog((guard("no progress for 9s", "warn"),), Waiting(), lambda *told: None)
    now = time.monotonic()
    one._beat, one._pauses = now - 20, [(now - 50, now - 40), (now - 25, now - 15), (now - 10, now - 8)]
    assert one._waited("no progress") == pytest.approx(20 - 5 - 2, abs=0.5)
    assert one._pauses == [(now - 25, now - 15), (now - 10, now - 8)]
    assert one._waited("no data") == 0.0
