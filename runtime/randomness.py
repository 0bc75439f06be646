"""Every global source of random numbers (torch, its GPUs, Python, numpy): seeded, saved and put back together."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def seed(number: int) -> None:
    """Seeds all of them."""
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.manual_seed(number)


def state() -> dict[str, Any]:
    """Where every global generator stands, in values that are loaded with `weights_only=True`."""
    kind, words, position, has_gauss, gauss = np.random.get_state()
    now = {"torch": torch.get_rng_state(), "python": _plain(random.getstate()),
           "numpy": [str(kind), torch.from_numpy(np.asarray(words).astype(np.int64)), int(position), int(has_gauss),
                     float(gauss)]}
    if torch.cuda.is_available():
        now["cuda"] = torch.cuda.get_rng_state_all()
    return now


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def restore(before: dict[str, Any]) -> None:
    """Puts every generator back to where it stood; those of GPUs only where as many are there."""
    torch.set_rng_state(before["torch"])
    version, words, gauss = before["python"]
    random.setstate((version, tuple(words), gauss))
    kind, words, position, has_gauss, gauss = before["numpy"]
    np.random.set_state((kind, words.numpy().astype(np.uint32), position, has_gauss, gauss))
    if "cuda" in before and torch.cuda.is_available() and len(before["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(before["cuda"])
