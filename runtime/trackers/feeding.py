"""What the training knows of trackers: it starts a process for each, and lets them finish when it has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .feed import failed

PATIENCE = 30.0
"""Seconds that trackers have after the training to hand over what is left."""


def installed(name: str) -> bool:
    """Whether there is a package of a tracker's name: a folder that is called so is none."""
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


@contextmanager
def fed(names: Sequence[str], folder: Path) -> Iterator[None]:
    """While entered, trackers are fed from the journal in a run's folder; nothing that they do reaches the block."""
    feeders = [(name, feeder) for name in names if (feeder := _start(name, folder))]
    try:
        yield
    finally:
        ends = time.monotonic() + PATIENCE
        for _, feeder in feeders:
            feeder.stdin.close()  # type: ignore[union-attr]
        for name, feeder in feeders:
            _end(name, feeder, folder, ends)


def _start(name: str, folder: Path) -> subprocess.Popen[bytes] | None:
    """In a session of its own, so that the Ctrl-C which stops the training does not reach it."""
    command = [sys.executable, "-m", "expc.runtime.trackers", name, str(folder), str(os.getpid())]
    environment = os.environ | {"PYTHONSAFEPATH": "1"}  # where it starts, `wandb` may be a folder
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment,
                                start_new_session=True)
    except OSError as error:
        failed(name, folder, str(error))
        return None


def _end(name: str, feeder: subprocess.Popen[bytes], folder: Path, ends: float) -> None:
    try:
        if code := feeder.wait(max(0.0, ends - time.monotonic())):
            failed(name, folder, f"its process ended with exit code {code}")
    except subprocess.TimeoutExpired:
        failed(name, folder, f"it had not taken everything {PATIENCE:g} s after the training")
    finally:
        feeder.kill()
