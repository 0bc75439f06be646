"""`python -m benchmarks.memory FAMILY` prints a table of a family's configurations with predicted and measured peaks.

It exits with 1 where one is off by more than the family's tolerance.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import torch

from . import columns, error

FAMILIES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def main(names: list[str]) -> int:
    """0 where every error is within the tolerance, 64 for a wrong use."""
    if len(names) != 1 or names[0] not in FAMILIES:
        print(f"usage: python -m benchmarks.memory {{{','.join(FAMILIES)}}}", file=sys.stderr)
        return 64
    chosen = importlib.import_module(f"{__package__}.{names[0]}")
    torch.set_num_threads(1)
    print(f"{names[0]}, torch {torch.__version__}, eager fp32 on a CPU, peak of the second update\n")
    rows = [columns(case) for case in chosen.CASES]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    print("  ".join(f"{name:>{width}}" for name, width in widths.items()), "    predicted     measured    error")
    worst = 0.0
    for case, row in zip(chosen.CASES, rows, strict=True):
        said, seen, off = error(case)
        worst = max(worst, abs(off))
        print("  ".join(f"{row[name]:>{width}}" for name, width in widths.items()),
              f"{said / 1e6:10.2f} MB {seen / 1e6:9.2f} MB {off:+8.2%}", flush=True)
    print(f"\nlargest error {worst:.2%} over {len(rows)} configurations; allowed {chosen.TOLERANCE:.0%}")
    return int(worst > chosen.TOLERANCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
