"""Which piece of the data a sample is, as a pure function of seed and counter: orders, and rows of one long sequence."""

from __future__ import annotations

import numpy as np


def unigram_entropy(ids: np.ndarray) -> float:
    """Entropy in nats of the frequencies of single tokens: the loss of the best model that sees no context."""
    counts = np.bincount(ids)
    shares = counts[counts > 0] / ids.size
    return float(-(shares * np.log(shares)).sum())


def held_out_starts(tokens: int, length: int, most: int | None) -> np.ndarray:
    """Where rows begin that together predict each token but the first once; of more than `most`, evenly spread ones."""
    starts = np.arange(0, max(tokens - 1, 0), length)
    return starts if most is None or len(starts) <= most else starts[np.arange(most) * len(starts) // most]


def order(count: int, *seeds: int) -> np.ndarray:
    """The numbers 0 to count - 1 in an order of the seeds' own.

    From raw words of a bit generator: their stream is the same in every version of numpy, unlike permutation()'s.
    """
    return np.argsort(np.random.PCG64(np.random.SeedSequence(seeds)).random_raw(count), kind="stable")


class Sampler:
    """Which row the n-th sample of a run is: every row once an epoch, in an order and at an offset of the epoch's own.

    There is no state: position = f(seed, n). Rows are cut every `length` tokens, from an offset that changes with the
    epoch so that the cuts do not always fall on the same notes; the tokens before it and behind the last whole row wait
    for another epoch.
    """

    def __init__(self, tokens: int, length: int, seed: int) -> None:
        self.length, self.seed = length, seed
        self.rows = (tokens - 1 - length) // length
        self._epoch = -1
        self._starts = np.empty(0, dtype=np.int64)

    def starts(self, first: int, count: int) -> np.ndarray:
        """First token of each of the samples `first` to `first + count - 1`, counted from the beginning of training."""
        samples = range(first, first + count)
        return np.asarray([self._of_epoch(sample // self.rows)[sample % self.rows] for sample in samples])

    def _of_epoch(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            # Raw words of a bit generator: their stream is the same in every version of numpy, unlike permutation()'s.
            words = np.random.PCG64(np.random.SeedSequence([self.seed, epoch])).random_raw(self.rows + 1)
            offset = int(words[-1] % np.uint64(self.length))
            self._starts = np.argsort(words[:-1], kind="stable") * self.length + offset
            self._epoch = epoch
        return self._starts
