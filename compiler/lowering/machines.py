"""The machine that an experiment is meant for, from a valid spec's `hardware`: what it states, completed by the catalogue."""

from __future__ import annotations

from typing import Any

from ..contract.experiment import Hardware
from ..contract.quantities import parse
from ..hardware import DEVICES


def hardware(said: dict[str, Any]) -> Hardware:
    """The target, and below it the machines that documents set beside it. Raises `NotAQuantity`."""
    device, budget, price = DEVICES[said["target"]], said.get("memory_budget"), said.get("price_per_hour")
    return Hardware(
        target=said["target"],
        title=device.title,
        count=said.get("count", 1),
        device_memory=device.memory,
        memory_budget=None if budget is None else int(parse(budget, "size")),
        peak_flops=device.peak_flops,
        bandwidth=device.bandwidth,
        price_per_hour=None if price is None else float(price),
        currency=said.get("currency"),
        others=tuple(hardware(other) for other in said.get("others", ())),
    )
