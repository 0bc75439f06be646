"""Samples by their number, read in place or ahead by worker processes: the same samples in the same order either way.

A stream of one rank's micro-batches: the k-th holds the samples `first + k * stride` and those behind it. Nothing but
these numbers decides what comes, so a stream can be closed and opened anew at any sample, with any number of workers.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from itertools import count
from multiprocessing.util import Finalize
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .errors import UserError

GRACE_SECONDS = 30
"""As long as Slurm waits between asking and killing."""
Fetch = Callable[[int, int], np.ndarray]
"""(first sample, how many) to an array whose first axis counts samples."""


class _MicroBatches(Dataset[torch.Tensor]):
    """A micro-batch by its first sample."""

    def __init__(self, fetch: Fetch, rows: int) -> None:
        self.fetch, self.rows = fetch, rows

    def __getitem__(self, first: int) -> torch.Tensor:
        return torch.from_numpy(self.fetch(first, self.rows))


class Stream:
    """Micro-batches of `rows` samples, each `stride` samples behind the one before it."""

    def __init__(self, fetch: Fetch, rows: int, stride: int, workers: int) -> None:
        self.source = _MicroBatches(fetch, rows)
        self.stride, self.workers = stride, workers
        self._next: int | None = None
        self._ahead: Iterator[Any] | None = None
        if workers:
            Finalize(self, _end, (self.__dict__,), exitpriority=10)

    def take(self, first: int) -> torch.Tensor:
        """The micro-batch that begins with a sample. Raises UserError where a worker process has died."""
        if not self.workers:
            return self.source[first]
        if first != self._next or self._ahead is None:
            self._ahead = iter(self._loader(first))
        self._next = first + self.stride
        try:
            return next(self._ahead)
        except RuntimeError as error:
            raise UserError(f"a process that reads samples ahead has died ({str(error).splitlines()[0]}); if memory ran "
                            "out, set fewer batch.workers. The same command goes on from the last checkpoint") from error

    def _loader(self, first: int) -> DataLoader[torch.Tensor]:
        # A generator of its own: the loader draws a seed for its workers, and must not draw it from the model's numbers.
        return DataLoader(self.source, batch_size=None, sampler=count(first, self.stride),
                          num_workers=self.workers, generator=torch.Generator(), worker_init_fn=_leave_signals)


def _end(stream: dict[str, Any]) -> None:
    """Ends the workers of a stream when the program ends; left alone, it would wait for them."""
    stream["_ahead"] = None


def _leave_signals(worker: int) -> None:
    """A stop is the training process's business; a worker that goes first would make it look like a crash.

    A worker that was told to end goes on for a while, so that the update at hand can be finished, and then obeys.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE_SECONDS))
