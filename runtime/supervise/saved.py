"""A foreign program's checkpoints: found by the pattern of their names, noted in the run's folder once they are whole.

Each gets a folder `checkpoints/step_000500` with a state of the form that every run's checkpoints have, so that resuming,
evaluating and comparing treat them alike; the file itself stays where the program put it. A state notes size and time of
the file: one that has changed since is another checkpoint.
"""

from __future__ import annotations

import glob
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expc.compiler.contract.command_line import PLACEHOLDER
from expc.compiler.contract.watching import Saved

from ..checkpoint import FORMAT, Found
from ..files import discard, read_json, seal, whole_folder, write_json

Stamp = dict[str, int]


@dataclass(frozen=True)
class Start:
    """A checkpoint that a program goes on from: its file, our step (updates taken), the program's own number for it (`said`),
    and the seconds that this run had trained by then."""

    file: str
    step: int
    said: int
    seconds: float


def start_from(found: Found, saved: Saved, inherited: bool = False) -> Start:
    """A noted checkpoint as a program's start; what a parent's training took is not this run's."""
    position = found.state["position"]
    return Start(found.state["file"], position["step"], position["step"] - 1 + saved.counts_from,
                 0.0 if inherited else position["seconds"])


@dataclass
class Checkpoints:
    """The program's checkpoints of one run. `folder` is the run's `checkpoints/`; `values` fill the pattern's placeholders."""

    saved: Saved
    directory: Path
    values: Mapping[str, str]
    folder: Path
    identity: dict[str, str]
    _seen: dict[Path, Stamp] = field(default_factory=dict)

    def found(self) -> dict[int, Path]:
        """Every file or folder that the pattern names, by the step in its name (in updates taken), ascending."""
        pattern = PLACEHOLDER.sub(lambda one: one[0] if one[1] == "step" else self.values[one[1]], self.saved.path)
        first, *others = (re.escape(piece) for piece in str(self.directory / pattern).split("{step}"))
        expression = first + r"(?P<step>\d+)" + "(?P=step)".join(others)
        wild = "*".join(glob.escape(piece) for piece in str(self.directory / pattern).split("{step}"))
        matches = ((re.fullmatch(expression, path), path) for path in glob.iglob(wild))
        return dict(sorted((int(match["step"]) + 1 - self.saved.counts_from, Path(path)) for match, path in matches if match))

    def note(self, seconds: float, settled: bool = False) -> list[int]:
        """Notes those that are whole and not noted yet; returns their steps.

        While the program runs a file counts only if it has stayed the same since the last look, `settled` leaves that out.
        `seconds` is how long the run had trained by now. What is noted and gone, or has changed, is forgotten.
        """
        found = self.found()
        self._forget(found)
        noted = []
        for step, path in found.items():
            stamp = _stamp(path)
            same, self._seen[path] = self._seen.get(path) == stamp, stamp
            if (same or settled) and not self.place(step).is_dir() and why_broken(path) is None:
                self._write(step, path, stamp, seconds)
                noted.append(step)
        return noted

    def place(self, step: int) -> Path:
        """Where a step's state lies."""
        return self.folder / f"step_{step:06d}"

    def _forget(self, found: Mapping[int, Path]) -> None:
        for state in self.folder.glob("step_*/state.json"):
            said = read_json(state) or {}
            path = found.get((said.get("position") or {}).get("step", -1))
            if path is None or _stamp(path) != said.get("file_stamp"):
                discard(state.parent)

    def _write(self, step: int, path: Path, stamp: Stamp, seconds: float) -> None:
        position = {"step": step, "samples": None, "tokens": None, "seconds": round(seconds, 3)}
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_folder(self.place(step)) as temporary:
            write_json(temporary / "state.json", {"format": FORMAT, "position": position, "metrics": {}, "file": str(path),
                                                  "file_stamp": stamp, **self.identity})
            seal(temporary)


def why_broken(path: Path) -> str | None:
    """What shows that a checkpoint is not whole: it is empty, or an archive (as PyTorch writes) that was cut short.

    Other formats tell nothing from outside; they count as whole.
    """
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    if not files:
        return "it is an empty folder"
    for one in files:
        if one.stat().st_size == 0 and one == path:
            return "it is empty"
        with one.open("rb") as file:
            archive = file.read(4) == b"PK\x03\x04"
        if archive and not zipfile.is_zipfile(one):
            return f"{one.name} was cut short"
    return None


def _stamp(path: Path) -> Stamp:
    """Size in bytes and time of the newest change in nanoseconds, of a file or of all files of a folder."""
    files: list[Any] = [one.stat() for one in (path, *path.rglob("*")) if one.is_file()]
    return {"bytes": sum(one.st_size for one in files), "changed": max((one.st_mtime_ns for one in files), default=0)}
