"""The data of timbre_restore: pairs of degraded and clean excerpts, prepared in shards; and which one the n-th sample is.

Goes out: shards, `train.jsonl` and `valid.jsonl` (where each excerpt comes from and what was done to it), `about.json`.
Files are held out whole, so that no file stands on both sides.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from expc.compiler.contract.families.timbre_restore import Config

from ...errors import UserError
from ...files import read_json, sha256_of, write_json
from ...sampling import order
from .. import Say
from . import audio, shards
from .shards import SHARD, Excerpt, Shard

ABOUT_FILE = "about.json"
FIRST = 3
"""So many played excerpts show whether the program that plays them has changed."""


def sources_sha256(config: Config, workspace: Path) -> str:
    """SHA-256 over what the data come from: names, sizes and times of files, or the first excerpts that are played."""
    model, data, digest = config.model, config.data, hashlib.sha256()
    if data.source == "synthetic":
        for index in range(FIRST):
            digest.update(np.rint(audio.played(data.seed, index, model.sample_rate, model.segment) * 1000).tobytes())
    else:
        folder = workspace / str(data.path)
        for path in audio.files(folder):
            about = path.stat()
            digest.update(f"{path.relative_to(folder)}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def prepare(config: Config, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Makes all shards and joins their lists; returns the fingerprint. Raises UserError.

    Shards are made beside the folder, where an interrupted preparation leaves them, and then linked into it.
    """
    made = planned(config, workspace)
    store = folder.parent / f"{folder.name.strip('.').split('.')[0]}.shards"
    _forget(folder.parent)
    store.mkdir(exist_ok=True)
    say(f"{config.data.clips:,} excerpts of {config.model.segment:,} frames to train on and {config.data.valid_clips:,} held "
        f"out, {'SYNTHETIC (played by a program)' if config.data.source == 'synthetic' else config.data.path}")
    shards.make_all(made, store, shards.processes(), say)
    for one in made:
        for path in (shards.array(store, one.index), shards.listed(store, one.index)):
            _link(path, folder / path.name)
    return _about(config, made, folder)


def _forget(parent: Path) -> None:
    """Deletes the shards of preparations that have come to their end."""
    for store in parent.glob("*.shards"):
        if (parent / store.stem).is_dir():
            shutil.rmtree(store, ignore_errors=True)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # a file system without links
        shutil.copyfile(path, target)


def _about(config: Config, made: list[Shard], folder: Path) -> dict[str, Any]:
    lines = [line for one in made for line in shards.listed(folder, one.index).read_text(encoding="utf-8").splitlines()]
    clips, held = config.data.clips, config.data.valid_clips
    (folder / "train.jsonl").write_text("".join(f"{line}\n" for line in lines[:clips]), encoding="utf-8")
    (folder / "valid.jsonl").write_text("".join(f"{line}\n" for line in lines[clips:]), encoding="utf-8")
    hashes = "".join(sha256_of(shards.array(folder, one.index)) for one in made)
    about = {"documents": {"train": clips, "valid": held},
             "tokens": {"train": clips * config.model.segment, "valid": held * config.model.segment},
             "source": config.data.source, "sample_rate": config.model.sample_rate, "shards": len(made),
             "sha256": hashlib.sha256(hashes.encode()).hexdigest()}
    write_json(folder / ABOUT_FILE, about)
    return about


def planned(config: Config, workspace: Path) -> list[Shard]:
    """All shards: first the excerpts to train on, then those that are held out. Raises UserError where files give too few."""
    model, data = config.model, config.data
    count, source = data.clips + data.valid_clips, str(workspace / str(data.path))
    excerpts = _cuts(config, workspace) if data.source == "folder" else [Excerpt(n, None, 0) for n in range(count)]
    return [Shard(index, tuple(excerpts[first : first + SHARD]), source, model.sample_rate, model.segment, data.seed,
                  data.degradation) for index, first in enumerate(range(0, count, SHARD))]


def _cuts(config: Config, workspace: Path) -> list[Excerpt]:
    """Excerpts of files in an order of the seed's: those held out come from files that nothing else is taken from."""
    model, data = config.model, config.data
    folder = workspace / str(data.path)
    cuts = [(path.relative_to(folder).as_posix(), audio.frames_of(path, model.sample_rate) // model.segment)
            for path in sorted(audio.files(folder), key=lambda path: _place(data.seed, path.relative_to(folder)))]
    held = _taken(iter(cuts), data.valid_clips)
    others = [(path, number) for path, number in cuts if path not in {path for path, _ in held}]
    train = _taken(iter(others), data.clips)
    if len(held) < data.valid_clips or len(train) < data.clips:
        raise UserError(f"{len(cuts):,} files in {data.path} hold {sum(number for _, number in cuts):,} excerpts of "
                        f"{model.segment:,} frames: {len(train):,} of {data.clips:,} to train on and {len(held):,} of "
                        f"{data.valid_clips:,} held out, of other files; set fewer, shorten model.segment, or add files")
    return [Excerpt(number, path, cut) for number, (path, cut) in enumerate([*train, *held])]


def _place(seed: int, path: Path) -> str:
    return hashlib.sha256(f"{seed}\0{path.as_posix()}".encode()).hexdigest()


def _taken(cuts: Iterator[tuple[str, int]], count: int) -> list[tuple[str, int]]:
    taken: list[tuple[str, int]] = []
    for path, number in cuts:
        taken += [(path, cut) for cut in range(min(number, count - len(taken)))]
        if len(taken) == count:
            break
    return taken


@dataclass(frozen=True)
class Pairs:
    """Prepared excerpts, mapped into memory, by their number in the plan."""

    arrays: tuple[np.ndarray, ...]

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """(len(numbers), 2, segment) as float32 between -1 and 1: degraded, clean."""
        rows = [self.arrays[number // SHARD][number % SHARD] for number in numbers.tolist()]
        return np.stack(rows).astype(np.float32) / shards.LARGEST


def load(folder: Path) -> Pairs:
    """The prepared excerpts of a folder."""
    count = read_json(folder / ABOUT_FILE)["shards"]
    return Pairs(tuple(np.load(shards.array(folder, index), mmap_mode="r") for index in range(count)))


class Sampler:
    """Which excerpt the n-th sample of a run is: each once an epoch, in an order that is the epoch's own; it has no state."""

    def __init__(self, clips: int, seed: int) -> None:
        self.clips, self.seed = clips, seed
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def numbers(self, first: int, count: int) -> np.ndarray:
        """Excerpts of the samples `first` to `first + count - 1`, counted from the beginning of training."""
        return np.asarray([self._of_epoch(n // self.clips)[n % self.clips] for n in range(first, first + count)])

    def _of_epoch(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._order, self._epoch = order(self.clips, self.seed, epoch), epoch
        return self._order


@dataclass(frozen=True)
class Rows:
    """Pairs by the numbers of their samples."""

    pairs: Pairs
    sampler: Sampler

    def __call__(self, first: int, count: int) -> np.ndarray:
        """(count, 2, segment) of the samples `first` to `first + count - 1`."""
        return self.pairs.take(self.sampler.numbers(first, count))
