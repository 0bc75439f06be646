"""A foreign program without its watcher: known again by when it began, never taken for a stranger, ended with a lost lease."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from expc.runtime import lock
from expc.runtime.errors import DONE, INTERRUPTED, MISUSED
from expc.runtime.files import write_json
from expc.runtime.supervise.offspring import is_alive
from tests.runtime import processes
from tests.runtime.supervise.programs import Made, make

QUIET = {"delay": 0.2, "at": 1, "then": "print('quiet'); sys.stdout = open(os.devnull, 'w')"}  # else it ends with the pipe


def wait_for_the_end(group: int) -> None:
    ends = time.monotonic() + 10
    while is_alive(group) and time.monotonic() < ends:
        time.sleep(0.05)


def test_a_program_that_outlived_its_watcher_is_not_started_twice(tmp_path: Path) -> None:
    made = make(tmp_path, flags=QUIET)
    process = made.start()
    process.wait_until(lambda: made.printed("quiet"))
    process.signal(signal.SIGKILL)
    process.end()
    group = made.record["attempts"][-1]["process_group"]
    code, log = made.run()
    assert code == MISUSED and f"kill -TERM -- -{group}" in log
    os.killpg(group, signal.SIGKILL)
    wait_for_the_end(group)
    process = made.start()
    process.wait_until(lambda: len(made.record["attempts"]) == 2)
    process.signal(signal.SIGTERM)
    assert process.end()[0] == INTERRUPTED


@pytest.fixture
def stranger() -> Iterator[int]:
    """The process group of somebody else."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process.pid
    process.kill()
    process.wait()


def killed(made: Made, group: int, **process: Any) -> None:
    """The record of a run whose only attempt left no end, as if its program had had that process group."""
    assert made.run()[0] == DONE
    attempt = {key: value for key, value in made.record["attempts"][0].items() if key not in ("ended", "outcome")}
    write_json(made.folder / "record.json", made.record | {"outcome": "running", "step": 0, "attempts": [
        attempt | {"process_group": group, "process": lock.identity(group) | process}]})


@pytest.mark.parametrize("process", [{"started": 1}, {"boot": "before"}])
def test_a_number_that_is_used_again_is_a_stranger(tmp_path: Path, stranger: int, process: dict[str, Any]) -> None:
    made = make(tmp_path)
    killed(made, stranger, **process)
    code, log = made.run()
    assert code == DONE and "kill" not in log and is_alive(stranger)


def test_of_another_host_it_says_what_cannot_be_known(tmp_path: Path, stranger: int) -> None:
    made = make(tmp_path)
    killed(made, stranger, host="node7", boot="theirs")
    code, log = made.run()
    assert code == DONE and "was killed on node7; whether its program still runs there cannot be seen from here" in log


def test_the_program_ends_with_a_lease_that_was_lost(tmp_path: Path) -> None:
    made = make(tmp_path, flags=QUIET | {"steps": 1000}, steps=1000)
    process = processes.start_command(made.workspace, "run", made.snapshot, "--stage", "train", before=beat_often)
    process.wait_until(lambda: made.printed("quiet") and "process_group" in made.record["attempts"][-1])
    group = made.record["attempts"][-1]["process_group"]
    assert is_alive(group)
    (made.folder / "lock").unlink()
    code, log = process.end()
    assert code == MISUSED and "lock was deleted; it stops" in log
    wait_for_the_end(group)
    assert not is_alive(group)


def beat_often() -> None:
    """A process that looks at its lease many times a second."""
    lock.BEAT_SECONDS = 0.2
