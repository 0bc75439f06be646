"""What a process holds at most, how that was measured, and whether an error says that there was not enough of it."""

from __future__ import annotations

import torch


def in_use() -> str:
    """For people: on a GPU the allocated peak, on a CPU the peak resident memory."""
    value, how = peak_memory()
    return f"{value / 1e9:.2f} GB" + (" resident" if how.startswith("peak resident") else "")


def peak_memory() -> tuple[int, str]:
    """Largest memory so far in bytes, and how it was measured."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated(), "peak allocated on the GPU"
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "peak resident memory of the process"


def ran_out(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or (where torch knows no class of its own for it) on the CPU."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
