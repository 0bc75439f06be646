"""Strikes training runs until they have had enough, and prints where, and whether anything but time tells them apart.

    python -m benchmarks.soak --kills 500        signals, most of them SIGKILL, at places chosen at random
    python -m benchmarks.soak --losses 100       power losses, at disk operations chosen at random

A small training of two optimizers in two phases, with dropout and all random sources, and its evaluation, is struck up to ten
times, started again after each, and compared bit by bit with one that nobody disturbed: weights, optimizers, random state,
counters, metrics, record, the checkpoints that are left, what the evaluation found. Each run is aimed at every place that it
comes to (start, update, save, validation, phase change, evaluation); what was hit is counted. Several are struck at a time
(`--jobs`). Ends with 1 where something differs; the seed brings it back.
"""

from __future__ import annotations

import argparse
import io
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import redirect_stderr
from pathlib import Path

from expc.compiler.contract.experiment import Experiment
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
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1),
                        help="runs that are struck at a time (twice as many as processors: half of a run is waiting)")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # before any of them loads torch: they share the processors
    tally, begun = killing.Tally(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, toy_family.registered():
        if asked.kills:
            _kill(Path(folder), asked.seed, asked.kills, asked.jobs, tally)
        tally.mismatches += _lose(Path(folder), random.Random(asked.seed), asked.losses)
    print(f"seed {asked.seed}, {time.monotonic() - begun:,.0f} s: {sum(tally.places.values()):,} kills in {tally.runs:,} runs, "
          f"{asked.losses:,} power losses, {len(tally.mismatches):,} mismatches")
    print("by place:  " + _counted(tally.places))
    print("by signal: " + _counted(tally.signals))
    print("\n".join(tally.mismatches))
    return 1 if tally.mismatches else 0


def _kill(folder: Path, seed: int, kills: int, jobs: int, tally: killing.Tally) -> None:
    """Run after run, several at a time, until there were so many kills, or something differs."""
    whole = _undisturbed(folder / "whole", struck(), *killing.STAGES)
    numbers = itertools.count()
    with ThreadPoolExecutor(jobs) as pool:  # threads that wait for processes
        going = {pool.submit(_struck, folder, whole, seed, next(numbers)) for _ in range(jobs)}
        while going:
            done, going = wait(going, return_when=FIRST_COMPLETED)
            for one in done:
                tally.add(one.result())
                _say(f"{sum(tally.places.values()):,} of {kills:,} kills, {tally.runs:,} runs: {_counted(tally.places)}")
            if sum(tally.places.values()) < kills and not tally.mismatches:
                going |= {pool.submit(_struck, folder, whole, seed, next(numbers)) for _ in done}


def _struck(folder: Path, whole: Path, seed: int, number: int) -> killing.Tally:
    """One run, whose strikes follow from the seed and its number."""
    workspace = _fresh(folder / f"run{number}")
    tally = killing.see_through(workspace, struck(), whole, random.Random(f"{seed}/{number}"), MOST)
    tally.mismatches = [f"run {number}: {one}" for one in tally.mismatches]
    shutil.rmtree(workspace)
    return tally


def _lose(folder: Path, dice: random.Random, losses: int) -> Iterator[str]:
    """One after the other: the disk that forgets takes the place of this process's own."""
    if not losses:
        return
    experiment, quiet = struck(delay=0.0), io.StringIO()
    whole = _undisturbed(folder / "without delay", experiment)
    with redirect_stderr(quiet):
        instants = power.calls(_fresh(folder / "lost"), experiment)
    for count in range(losses):
        with redirect_stderr(quiet):
            at = dice.randint(1, instants)
            found = power.lose(_fresh(folder / "lost"), folder / "after", experiment, whole, dice, at)
        yield from found
        for one in found:
            _say(one)
        if count % 20 == 19:
            _say(f"{count + 1:,} of {losses:,} power losses at {instants:,} instants")


def _undisturbed(workspace: Path, experiment: Experiment, *stages: str) -> Path:
    code, log = processes.run(_fresh(workspace), experiment, *stages)
    if code != DONE:
        raise SystemExit(log)
    return workspace / "runs" / "toy"


def _fresh(workspace: Path) -> Path:
    shutil.rmtree(workspace, ignore_errors=True)
    (workspace / "specs").mkdir(parents=True)
    return workspace


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
