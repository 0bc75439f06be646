"""What the runtime itself measures for guards, and only what some condition reads.

Times are means over the updates that came in from the device together; what cannot be measured here is left out, and
conditions on it stay unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from .memory import peak_memory
from .waiting import Waiting

if TYPE_CHECKING:
    from .checkpoint import Position


class Gauges:
    """Reads the gauges named in `wanted`, from one reading to the next; `begun` is where the first stretch begins."""

    def __init__(self, wanted: frozenset[str], waiting: Waiting, begun: Position) -> None:
        self.waiting, self.before, self.waited = waiting, begun, waiting.seconds
        measures: dict[str, Callable[[float, int, int], float | None]] = {
            "step_seconds": lambda seconds, updates, tokens: seconds / updates,
            "data_seconds": lambda seconds, updates, tokens: (waiting.seconds - self.waited) / updates,
            "tokens_per_second": lambda seconds, updates, tokens: tokens / seconds if seconds else None,
            "memory": lambda seconds, updates, tokens: float(peak_memory()[0]),
            "gpu_util": lambda seconds, updates, tokens: gpu_utilisation(),
        }
        self.measures = {name: measure for name, measure in measures.items() if name in wanted}

    def read(self, position: Position) -> dict[str, float]:
        """Everything wanted, over the updates since the reading before."""
        updates = max(1, position.step - self.before.step)
        figures = position.seconds - self.before.seconds, updates, position.tokens - self.before.tokens
        found = {name: measure(*figures) for name, measure in self.measures.items()}
        self.before, self.waited = position, self.waiting.seconds
        return {name: value for name, value in found.items() if value is not None}


def gpu_utilisation() -> float | None:
    """Share of the last moments in which the GPU was busy, from its driver; None where nobody can say."""
    if not torch.cuda.is_available():
        return None
    try:
        return torch.cuda.utilization() / 100
    except Exception:  # no nvidia-ml-py, or no driver that it can talk to: its errors have no common class of torch's
        return None
