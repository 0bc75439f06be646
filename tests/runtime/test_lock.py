"""One process at a time, told who the other one is, and nothing left to clean up after a crash."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from expc.runtime.errors import MISUSED, UserError
from expc.runtime.lock import exclusive, is_held
from tests.runtime import processes, toy_family


def test_the_second_one_is_told_about_the_first(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    with exclusive(path, "the run x"):
        assert is_held(path)
        with pytest.raises(UserError, match=rf"the run x is in use by process {os.getpid()} on .* since 2") as error:
            with exclusive(path, "the run x"):
                pass
        assert error.value.exit_code == MISUSED
    assert not is_held(path) and not is_held(tmp_path / "none")
    with exclusive(path, "the run x"):
        pass


def test_a_killed_run_holds_nothing(toy: Path) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(2000), delay=0.01))
    process = processes.start(toy, made)
    lock = toy / "runs" / "toy" / "lock"
    process.wait_until(lambda: is_held(lock) and "fresh" in process.log.read_text())
    code, log = processes.run(toy, made, "train")
    assert code == MISUSED and f"the run toy is in use by process {process.process.pid}" in log
    assert process.process.is_alive()
    assert "running" in processes.command(toy, "status")[1]
    process.signal(signal.SIGKILL)
    process.end()
    assert not is_held(lock)
    assert "killed" in processes.command(toy, "status")[1]
