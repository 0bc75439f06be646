"""Whether the predicted peak memory fits the budget, and the budget the device."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.quantities import size
from ..diagnostics import Diagnostic
from ..estimate import figure
from .subject import Subject

CODES = (
    entry(
        "E320",
        "The predicted memory exceeds the budget",
        "Weights, gradients, optimizer state and activations of one rank, at the peak of a step, are more than "
        "`hardware.memory_budget`. Fewer rows with more accumulation keep the batch and need less.",
        wrong="batch: {rows: 64, total_tokens: 65536}\nhardware: {target: rtx_4060, memory_budget: 1GB}",
        right="batch: {rows: 4, total_tokens: 4096}\nhardware: {target: rtx_4060, memory_budget: 8GB}",
    ),
    entry(
        "W321",
        "The predicted memory leaves little of the budget",
        "An allocator holds more than what is allocated: in trials the smallest pool that fitted was 1.14 to 1.25 times "
        "the allocated peak. Below a margin of a quarter the run may not fit.",
        wrong="hardware: {target: rtx_4060, memory_budget: 1.5GB}",
        right="hardware: {target: rtx_4060, memory_budget: 8GB}",
    ),
    entry(
        "E322",
        "The budget is more than the device has",
        "`hardware.memory_budget` cannot exceed the memory of the device that `hardware.target` names.",
        wrong="hardware: {target: rtx_4060, memory_budget: 24GB}",
        right="hardware: {target: rtx_4060, memory_budget: 8GB}",
    ),
)
MARGIN = 1.25
"""Upper end of pool size over allocated peak, seen in trials with the CUDA caching allocator."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Peak against budget, budget against device."""
    hardware, peak = subject.experiment.hardware, figure(subject.experiment.predictions, "peak_memory")
    stated = hardware.memory_budget is not None
    budget = hardware.memory_budget if stated else hardware.device_memory
    key = "hardware.memory_budget" if stated else "hardware.target"
    if hardware.memory_budget and hardware.device_memory and hardware.memory_budget > hardware.device_memory:
        yield subject.finding("E322", f"{hardware.title} has {size(hardware.device_memory)}, less than the budget of "
                              f"{size(hardware.memory_budget)}", key, also=["hardware.target"])
    if budget is None or not peak or not peak.value:
        return
    said = f"the step's peak is {size(peak.value)} ({peak.method}), the budget {size(budget)}"
    if peak.value > budget:
        yield subject.finding("E320", said, key, "fewer rows with more accumulation need less", ["batch.rows"])
    elif peak.value * MARGIN > budget:
        figures = {"peak": size(peak.value), "budget": size(budget), "margin": f"{budget / peak.value - 1:.0%}"}
        yield subject.warning("W321", key, figures, f"an allocator needs up to a quarter more than the peak ({peak.method})",
                              ["batch.rows"])
