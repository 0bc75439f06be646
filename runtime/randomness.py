"""Every global source of random numbers of a process (torch, its GPU, Python, numpy): seeded, saved, put back together.

Processes that train together draw different numbers, and each gets its own back.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

SIZE = 20_000
"""Bytes, about, of one process's state: Mersenne Twisters of torch, Python and numpy, and a GPU's counter."""


def seed(number: int) -> None:
    """Seeds all of them."""
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.manual_seed(number)


def part(number: int, rank: int) -> None:
    """Gives every process but the first numbers of its own, once all have made the same weights from the same seed."""
    if rank:
        seed(int(np.random.SeedSequence([number, rank]).generate_state(1)[0]))


def state() -> dict[str, Any]:
    """Where every global generator of this process stands, in values that are loaded with `weights_only=True`."""
    kind, words, position, has_gauss, gauss = np.random.get_state()
    now = {"torch": torch.get_rng_state(), "python": _plain(random.getstate()),
           "numpy": [str(kind), torch.from_numpy(np.asarray(words).astype(np.int64)), int(position), int(has_gauss),
                     float(gauss)]}
    if torch.cuda.is_available():  # the process's own GPU: asking for the others would take memory on each of them
        now["cuda"] = torch.cuda.get_rng_state()
    return now


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def restore(before: dict[str, Any]) -> None:
    """Puts every generator back to where it stood; a GPU's only where there is one now and was one then."""
    torch.set_rng_state(before["torch"])
    version, words, gauss = before["python"]
    random.setstate((version, tuple(words), gauss))
    kind, words, position, has_gauss, gauss = before["numpy"]
    np.random.set_state((kind, words.numpy().astype(np.uint32), position, has_gauss, gauss))
    if "cuda" in before and torch.cuda.is_available():
        torch.cuda.set_rng_state(before["cuda"])
