"""Excerpts prepared in shards: a plan in, `shard_00000.npy` and a list of its own out, one after another or side by side.

A shard holds SHARD excerpts as int16 (excerpts, 2, segment): degraded, then clean. Each is written under a name of its own
and renamed, its list last, so a shard is there or it is not: preparation can be interrupted and goes on where it was, and
two that make the same shard write the same bytes and disturb nobody. Lists are joined once all shards are there.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from expc.compiler.contract.families.timbre_restore import Degradation

from ...errors import UserError
from . import audio

SHARD = 500
"""Excerpts of a shard."""
PROCESSES = "EXPC_PREPARE_PROCESSES"
LARGEST = 32767


@dataclass(frozen=True)
class Excerpt:
    """One excerpt: its number, the file it is cut from (None: played) and which cut of that file it is."""

    number: int
    file: str | None
    cut: int


@dataclass(frozen=True)
class Shard:
    """What one process needs to know to make one shard; files are below the folder `source`."""

    index: int
    excerpts: tuple[Excerpt, ...]
    source: str
    rate: int
    segment: int
    seed: int
    degradation: Degradation


def array(folder: Path, index: int) -> Path:
    """The file of a shard's excerpts."""
    return folder / f"shard_{index:05d}.npy"


def listed(folder: Path, index: int) -> Path:
    """The file of a shard's list; where it is there, so is the whole shard."""
    return folder / f"shard_{index:05d}.jsonl"


def processes() -> int:
    """How many processes prepare at once: as the environment says, else one a core."""
    said = os.environ.get(PROCESSES, "")
    if said and not (said.isdecimal() and int(said)):
        raise UserError(f"{PROCESSES} is {said!r}; set it to a whole number of at least 1, or leave it out")
    return int(said) if said else len(os.sched_getaffinity(0))


def make_all(shards: Sequence[Shard], folder: Path, count: int, say: Callable[[str], None]) -> None:
    """Makes the shards that are not in the folder yet, `count` at a time. Raises UserError."""
    missing = [shard for shard in shards if not listed(folder, shard.index).is_file()]
    if there := len(shards) - len(missing):
        say(f"{there:,} of {len(shards):,} shards are there already")
    done: Iterable[int]
    if min(count, len(missing)) <= 1:
        done = (make(shard, folder) for shard in missing)
        return _report(done, len(missing), say)
    # Fresh processes: one that is forked from a program with threads can wait for ever for a lock that nobody holds.
    with ProcessPoolExecutor(min(count, len(missing)), multiprocessing.get_context("spawn")) as pool:
        made = [pool.submit(make, shard, folder) for shard in missing]
        try:
            _report((one.result() for one in as_completed(made)), len(missing), say)
        except BrokenProcessPool as error:
            raise UserError("a process that prepares audio has died; if memory ran out, set fewer of them with "
                            f"{PROCESSES}. The same command goes on from the shards that are there") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _report(done: Iterable[int], count: int, say: Callable[[str], None]) -> None:
    for number, _ in enumerate(done, 1):
        if number == count or number % max(1, count // 20) == 0:
            say(f"prepared {number:,} of {count:,} shards")


def make(shard: Shard, folder: Path) -> int:
    """Writes one shard and its list; returns its index."""
    pairs = np.empty((len(shard.excerpts), 2, shard.segment), dtype="<i2")
    lines = []
    for pair, one in zip(pairs, shard.excerpts, strict=True):
        clean = _clean(shard, one)
        dull, figures = audio.degraded(clean, shard.rate, shard.degradation, audio.numbers(shard.seed, one.number, 1))
        loudest = max(1.0, float(np.abs(dull).max()), float(np.abs(clean).max()))
        pair[0], pair[1] = _whole(dull / loudest), _whole(clean / loudest)
        lines.append({"number": one.number, "file": one.file, "cut": one.cut, **figures})
    _rename(folder, array(folder, shard.index), lambda path: np.save(path, pairs))
    _rename(folder, listed(folder, shard.index), lambda path: path.write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"))
    return shard.index


def _clean(shard: Shard, one: Excerpt) -> np.ndarray:
    if one.file is None:
        return audio.played(shard.seed, one.number, shard.rate, shard.segment)
    return _read(Path(shard.source, one.file), shard.rate)[one.cut * shard.segment : (one.cut + 1) * shard.segment]


@lru_cache(maxsize=1)
def _read(file: Path, rate: int) -> np.ndarray:
    """A shard's excerpts of one file follow one another: it is read once."""
    return audio.read(file, rate)


def _whole(signal: np.ndarray) -> np.ndarray:
    return np.rint(signal * LARGEST).astype("<i2")


def _rename(folder: Path, target: Path, write: Callable[[Path], Any]) -> None:
    """Writes under a name that no other process has, then renames."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=target.suffix)
    os.close(handle)
    try:
        write(Path(name))
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
