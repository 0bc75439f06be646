"""Strikes training runs until they have had enough, and prints where, and whether anything but time tells them apart.

    python -m benchmarks.soak --kills 500        signals, most of them SIGKILL, at places chosen at random
    python -m benchmarks.soak --losses 100       power losses, at disk operations chosen at random

A small training of two optimizers in two phases, with dropout and all random sources, is struck up to ten times, started
again after each, and compared bit by bit with one that nobody disturbed: weights, optimizers, random state, counters,
metrics, record, the checkpoints that are left. Ends with 1 where something differs; the seed brings it back.
"""

from __future__ import annotations

import argparse
import io
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

from expc.runtime.errors import DONE
from tests.runtime import killing, power, processes, toy_family
from tests.runtime.test_interruptions import struck

MOST = 10


def main() -> int:
    """Strikes, prints the tally, and says with its exit code whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Kill runs, resume them, compare them.")
    parser.add_argument("--kills", type=int, default=0, help="signals")
    parser.add_argument("--losses", type=int, default=0, help="power losses")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    tally, dice, begun = killing.Tally(), random.Random(asked.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, toy_family.registered():
        whole = _undisturbed(Path(folder) / "whole")
        while sum(tally.places.values()) < asked.kills and not tally.mismatches:
            killing.see_through(_fresh(Path(folder)), struck(), whole, dice, tally, MOST)
            _say(f"{sum(tally.places.values()):,} of {asked.kills:,} kills, {tally.runs:,} runs")
        tally.mismatches += _lose(Path(folder), whole, dice, asked.losses)
    print(f"seed {asked.seed}, {time.monotonic() - begun:,.0f} s: {sum(tally.places.values()):,} kills in {tally.runs:,} runs, "
          f"{asked.losses:,} power losses, {len(tally.mismatches):,} mismatches")
    print("by place:  " + ", ".join(f"{place} {count:,}" for place, count in sorted(tally.places.items())))
    print("by signal: " + ", ".join(f"{name} {count:,}" for name, count in sorted(tally.signals.items())))
    print("\n".join(tally.mismatches))
    return 1 if tally.mismatches else 0


def _lose(folder: Path, whole: Path, dice: random.Random, losses: int) -> Iterator[str]:
    quiet = io.StringIO()
    with redirect_stderr(quiet):
        instants = power.calls(_fresh(folder), struck()) if losses else 0
    for count in range(losses):
        with redirect_stderr(quiet):
            found = power.lose(_fresh(folder), folder / "after", struck(), whole, dice, dice.randint(1, instants))
        yield from found
        for one in found:
            _say(one)
        if count % 20 == 19:
            _say(f"{count + 1:,} of {losses:,} power losses at {instants:,} instants")


def _undisturbed(workspace: Path) -> Path:
    (workspace / "specs").mkdir(parents=True)
    code, log = processes.run(workspace, struck())
    if code != DONE:
        raise SystemExit(log)
    return workspace / "runs" / "toy"


def _fresh(folder: Path) -> Path:
    workspace = folder / "struck"
    shutil.rmtree(workspace, ignore_errors=True)
    (workspace / "specs").mkdir(parents=True)
    return workspace


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
