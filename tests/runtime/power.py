"""Power losses: runs a training on a disk that forgets, and goes on from what a disk may hold then.

While a `Disk` is entered it follows the file system calls below a folder. A disk promises little: a file holds what it held
when it was last synced, a folder lists what it listed when it was. Of everything since, any part may have reached the disk
and any may not: renames half done, files cut short or empty. `dice` decides.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from expc.compiler.contract.experiment import Experiment
from expc.runtime import stages
from expc.runtime.snapshot import load
from tests.runtime import toy_family
from tests.runtime.equality import differences

CALLS = ("fsync", "rename", "replace", "unlink", "rmdir", "mkdir")
CHANCES = (0.0, 0.5, 1.0)
"""How likely it is that something reached the disk although nobody had synced it."""


class PowerLoss(BaseException):
    """The machine is off."""


class Disk:
    """Counts the calls that matter; at the chosen one it writes what is left to `image` and raises PowerLoss."""

    def __init__(self, root: Path, image: Path, fails_at: int | None, dice: random.Random) -> None:
        self.root, self.image, self.fails_at, self.dice = root, image, fails_at, dice
        self.calls = 0
        self.listed: dict[int, dict[str, int]] = {}
        self.held: dict[int, bytes] = {}
        self.open: list[int] = []

    def __enter__(self) -> Disk:
        for folder, _, names in os.walk(self.root):
            self._sync(Path(folder))
            for name in names:
                self._sync(Path(folder) / name)
        self.patches = [mock.patch.object(os, name, self._watched(getattr(os, name))) for name in CALLS]
        for one in self.patches:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.patches:
            one.stop()
        for handle in self.open:
            os.close(handle)

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == self.fails_at:
                self._fail()
            result = call(*arguments, **named)
            if call.__name__ == "fsync":
                self._sync(Path(os.readlink(f"/proc/self/fd/{arguments[0]}")))
            return result
        return watched

    def _sync(self, path: Path) -> None:
        if not path.is_relative_to(self.root):
            return
        self.open.append(os.open(path, os.O_RDONLY))  # as long as it is open, no other file gets its number
        number = path.stat().st_ino
        if path.is_dir():
            self.listed[number] = _listing(path)
        else:
            self.held[number] = path.read_bytes()

    def _fail(self) -> None:
        live = {path.stat().st_ino: path for path in (self.root, *self.root.rglob("*"))}
        chance = self.dice.choice(CHANCES)
        self._leave(self.root.stat().st_ino, live, self.image, lambda: self.dice.random() < chance)
        raise PowerLoss

    def _leave(self, number: int, live: dict[int, Path], target: Path, reached: Callable[[], bool]) -> None:
        """Writes what is left of a file or folder. `reached` says of each change that was not synced whether it is there."""
        path, synced = live.get(number), self.listed.get(number)
        if synced is not None or (path and path.is_dir()):
            target.mkdir()
            for name, inside in _mixed(synced or {}, _listing(path) if path else {}, reached):
                self._leave(inside, live, target / name, reached)
        else:
            target.write_bytes(self._content(number, path, reached))

    def _content(self, number: int, path: Path | None, reached: Callable[[], bool]) -> bytes:
        now, synced = path.read_bytes() if path else None, self.held.get(number)
        if now is None or now == synced or not reached():
            return synced or b""
        sure = len(synced) if synced and now.startswith(synced) else 0  # what was only added to is not cut
        return now if reached() else now[: self.dice.randint(sure, len(now))]


def _listing(folder: Path) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


def _mixed(synced: dict[str, int], now: dict[str, int], reached: Callable[[], bool]) -> Iterator[tuple[str, int]]:
    for name in sorted(synced.keys() | now.keys()):
        number = now.get(name) if synced.get(name) == now.get(name) or reached() else synced.get(name)
        if number is not None:
            yield name, number


def calls(workspace: Path, experiment: Experiment) -> int:
    """How many calls an undisturbed run makes, each an instant at which the power can go."""
    path = toy_family.write(workspace, experiment)
    with Disk(workspace, workspace, None, random.Random(0)) as disk:
        stages.run(load(path), ("prepare", "train"))
    return disk.calls


def lose(workspace: Path, image: Path, experiment: Experiment, whole: Path, dice: random.Random, at: int) -> list[str]:
    """Loses power at a call, goes on from what is left in `image`; what then differs from a run that nobody disturbed."""
    shutil.rmtree(image, ignore_errors=True)
    path = toy_family.write(workspace, experiment)
    try:
        with Disk(workspace, image, at, dice):
            stages.run(load(path), ("prepare", "train"))
    except PowerLoss:
        stages.run(load(image / path.relative_to(workspace)), ("prepare", "train"))
        found = differences(image / "runs" / experiment.run, whole, experiment.training.steps)
        return [f"power loss at call {at}: {one}" for one in found]
    return [f"the run made fewer than {at} calls"]
