"""Bounds for code under attack: CPU seconds and memory that it may take, in this process or in one of its own."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


class TooSlow(BaseException):
    """The CPU time of a block ran out. No `except Exception` may take it for something else."""


@contextmanager
def bounded(cpu_seconds: float, memory: int) -> Iterator[None]:
    """CPU time (TooSlow) and address space in bytes beyond what is taken already (MemoryError) for a block."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {cpu_seconds} s of CPU")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGVTALRM, ring)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGVTALRM, before)
