"""What happened, line by line: metrics by step and events by time, append-only JSONL that survives a kill.

A line is whole or it is dropped when the file is opened again. When a run resumes at a step, lines of later steps go,
so that the file reads like that of an uninterrupted run.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from .files import write_atomic

FLUSH_SECONDS = 2.0
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a JSONL file; a torn one at its end is left out."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict) and line.endswith("\n"):
                yield value


def validation_at(path: Path, step: int) -> dict[str, float] | None:
    """What the validation of a step measured, without what was not finite; None where there was none."""
    lines = [line for line in read_lines(path) if line.get("kind") == "valid" and line.get("step") == step]
    return {name: value for name, value in lines[-1].items() if isinstance(value, float)} if lines else None


class Metrics:
    """`metrics.jsonl` of a run: one line a logged step or validation, with `step` and `kind`."""

    def __init__(self, path: Path, resumed_at: int) -> None:
        """Opens the file for appending, without the lines of steps after `resumed_at`."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._opened(resumed_at)

    def _opened(self, resumed_at: int) -> TextIO:
        kept = [line for line in read_lines(self._path) if line.get("step", 0) <= resumed_at]
        write_atomic(self._path, "".join(_line(line) for line in kept))
        self._flushed = time.monotonic()
        return self._path.open("a", encoding="utf-8")

    def rewind(self, step: int) -> None:
        """Takes back the lines of later steps: the run goes on from this one."""
        self._file.close()
        self._file = self._opened(step)

    def write(self, step: int, kind: str, values: dict[str, Any]) -> None:
        """Appends one line; it reaches the file within seconds."""
        self._file.write(_line({"step": step, "kind": kind, **values}))
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Hands what was written to the operating system."""
        self._file.flush()
        self._flushed = time.monotonic()

    def sync(self) -> None:
        """Forces what was written to disk: no checkpoint may be newer than its metrics."""
        self.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flushes and closes."""
        self._file.close()


def event(run_folder: Path, name: str, /, **values: Any) -> None:
    """Appends one event with the time of day to the run's `events.jsonl`, not behind a line that a full disk has cut short."""
    run_folder.mkdir(parents=True, exist_ok=True)
    with (run_folder / "events.jsonl").open("a+b") as file:
        torn = b""
        if file.tell():
            file.seek(-1, os.SEEK_END)
            torn = b"" if file.read(1) == b"\n" else b"\n"
        file.write(torn + _line({"time": now(), "event": name, **values}).encode())


def now() -> str:
    """The time of day in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _line(value: dict[str, Any]) -> str:
    try:
        return _JSON.encode(value) + "\n"
    except ValueError:  # a number that JSON does not have
        finite = {key: None if isinstance(item, float) and not math.isfinite(item) else item for key, item in value.items()}
        return _JSON.encode(finite) + "\n"
