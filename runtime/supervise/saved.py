"""A foreign program's checkpoints: found by the pattern of their names, noted in the run's folder once they are whole.

Each gets a folder `checkpoints/step_000500` with a state of the form that every run's checkpoints have, so that resuming,
evaluating and comparing treat them alike; the file itself stays where the program put it. A state notes size and time of
the file: one that has changed since is another checkpoint. Its path is kept from the workspace on, which may be moved or
copied. Where a program writes several files for each, they count as one.
"""

from __future__ import annotations

import glob
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expc.compiler.contract.command_line import PLACEHOLDER
from expc.compiler.contract.watching import Saved

from ..checkpoint import FORMAT, Found
from ..errors import MISSING, UserError
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
    """A noted checkpoint as a program's start; what a parent's training took is not this run's. Raises UserError where it has
    been deleted since."""
    position, file = found.state["position"], file_of(found.folder, found.state)
    if not file.exists():
        raise UserError(f"{file}, the program's checkpoint of step {position['step']:,}, is not there any more; put it back, "
                        f"or train {found.state['run']} again", MISSING)
    return Start(str(file), position["step"], position["step"] - 1 + saved.counts_from,
                 0.0 if inherited else position["seconds"])


def file_of(folder: Path, state: Mapping[str, Any]) -> Path:
    """The file that a noted checkpoint stands for; `folder` is its `runs/<run>/checkpoints/step_<step>`."""
    return folder.parents[3] / str(state["file"])


@dataclass
class Checkpoints:
    """The program's checkpoints of one run. `folder` is the run's `checkpoints/`; `values` fill the pattern's placeholders."""

    saved: Saved
    directory: Path
    values: Mapping[str, str]
    folder: Path
    identity: dict[str, str]
    parts: Callable[[Path], list[Path]] = lambda path: [path]
    """All files that make up the checkpoint which a path stands for, that path among them."""
    distrusted: dict[str, Stamp] = field(default_factory=dict)
    """Those, by path, on which the program has died while it went on from an earlier one."""
    broken: dict[Path, str] = field(default_factory=dict)
    """Those that the last look passed over, each with the reason."""
    _seen: dict[Path, Stamp] = field(default_factory=dict)

    def found(self) -> dict[int, Path]:
        """Every file or folder that the pattern names, by the step in its name (in updates taken), ascending."""
        pieces = [PLACEHOLDER.sub(lambda one: self.values[one[1]], piece) for piece in self.saved.path.split("{step}")]
        pieces[0] = os.path.join(self.directory, pieces[0])  # a folder that holds such words in its name is none of the pattern
        first, *others = map(re.escape, pieces)
        expression = first + r"(?P<step>\d+)" + "(?P=step)".join(others)
        wild = "*".join(map(glob.escape, pieces))
        matches = ((re.fullmatch(expression, path), path) for path in glob.iglob(wild))
        return dict(sorted((int(match["step"]) + 1 - self.saved.counts_from, Path(path)) for match, path in matches if match))

    def note(self, seconds: float, settled: bool = False) -> list[int]:
        """Notes those that are whole and not noted yet; returns their steps.

        While the program runs a file counts only if it has stayed the same since the last look, `settled` leaves that out.
        `seconds` is how long the run had trained by now. What is noted and gone, or has changed, is forgotten.
        """
        found, self.broken = self.found(), {}
        self._forget(found, settled)
        noted = []
        for step, path in found.items():
            stamp = self._stamp(path)
            same, self._seen[path] = self._seen.get(path) == stamp, stamp
            if not (same or settled) or self.place(step).is_dir():
                continue
            if why := self._why_broken(path, stamp):
                self.broken[path] = why
            else:
                self._write(step, path, stamp, seconds)
                noted.append(step)
        return noted

    def place(self, step: int) -> Path:
        """Where a step's state lies."""
        return self.folder / f"step_{step:06d}"

    def distrust(self, path: Path) -> dict[str, Any]:
        """From now on passes a checkpoint over as long as it does not change; returns what the record keeps of that."""
        self.distrusted[str(path)] = stamp = self._stamp(path)
        self._forget(self.found(), True)
        return {"file": str(path), "stamp": stamp}

    def _forget(self, found: Mapping[int, Path], closely: bool) -> None:
        """Takes back notes of what is gone or has changed and, looking closely, of what is broken all the same."""
        for state in self.folder.glob("step_*/state.json"):
            said = read_json(state) or {}
            path = found.get((said.get("position") or {}).get("step", -1))
            stamp = None if path is None else self._stamp(path)
            if path is None or stamp is None or stamp != said.get("file_stamp") or file_of(state.parent, said) != path or (
                    closely and self._why_broken(path, stamp)):
                discard(state.parent)

    def _why_broken(self, path: Path, stamp: Stamp) -> str | None:
        if self.distrusted.get(str(path)) == stamp:
            return "the program died on it, and went on from an earlier one"
        return next((why for one in self.parts(path) if (why := why_broken(one)) is not None), None)

    def _stamp(self, path: Path) -> Stamp:
        return _stamp(self.parts(path))

    def _write(self, step: int, path: Path, stamp: Stamp, seconds: float) -> None:
        position = {"step": step, "samples": None, "tokens": None, "seconds": round(seconds, 3)}
        self.folder.mkdir(parents=True, exist_ok=True)
        workspace = self.folder.parents[2]
        file = path.relative_to(workspace) if path.is_relative_to(workspace) else path
        with whole_folder(self.place(step)) as temporary:
            write_json(temporary / "state.json", {"format": FORMAT, "position": position, "metrics": {}, "file": str(file),
                                                  "file_stamp": stamp, **self.identity})
            seal(temporary)


def refuse_changed(found: Found, parts: Sequence[Path]) -> None:
    """Raises UserError where a noted checkpoint is not whole, or of another size, by now. Of its time nothing follows: a copy
    has its own."""
    why = next((why for one in parts if (why := why_broken(one)) is not None), None)
    noted, bytes_ = found.state["file_stamp"]["bytes"], 0 if why else _stamp(parts)["bytes"]
    if why is None and bytes_ != noted:
        why = f"it was of {noted:,} bytes when it was noted, and is of {bytes_:,} now"
    if why:
        run = found.state["run"]
        raise UserError(f"{file_of(found.folder, found.state)} is not what {run} had saved ({why}); put that back, or move "
                        f"runs/{run} away and train {run} again", MISSING)


def why_broken(path: Path) -> str | None:
    """What shows that a checkpoint is not whole: it is missing or empty, or an archive (PyTorch writes such) cut short.

    Other formats tell nothing from outside; they count as whole.
    """
    if not path.exists():
        return f"{path.name} is missing"
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    if not files:
        return f"{path.name} is an empty folder"
    for one in files:
        if one.stat().st_size == 0 and one == path:
            return f"{one.name} is empty"
        with one.open("rb") as file:
            archive = file.read(4) == b"PK\x03\x04"
        if archive and not zipfile.is_zipfile(one):
            return f"{one.name} was cut short"
    return None


def _stamp(parts: Iterable[Path]) -> Stamp:
    """Size in bytes and time of the newest change in nanoseconds, of files, and of all files of folders."""
    files: list[Any] = [one.stat() for part in parts for one in (part, *part.rglob("*")) if one.is_file()]
    return {"bytes": sum(one.st_size for one in files), "changed": max((one.st_mtime_ns for one in files), default=0)}
