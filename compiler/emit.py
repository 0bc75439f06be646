"""Build output on disk: the manifest, writing a build whole, and telling what on disk is not what it should be.

Each file is written under a temporary name and renamed, the manifest last, so that a build that was cut short is seen by
`stale()` and repaired by the next build. Builds of one folder wait for one another.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .contract import canonical

MANIFEST = "manifest.json"
FORMAT = "expc.manifest/1"


@dataclass(frozen=True)
class Stale:
    """One file that is not what a build would write."""

    file: str
    why: str  # missing, changed by hand, out of date, orphaned


def digest(text: str) -> str:
    """SHA-256 (hex) of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The entries of the manifest by run; empty where there is none that can be read."""
    try:
        body = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    readable = isinstance(body, dict) and body.get("format") == FORMAT and isinstance(body.get("runs"), dict)
    return {run: entry for run, entry in body["runs"].items() if _is_entry(entry)} if readable else {}


def _is_entry(entry: Any) -> bool:
    """Whether an entry is of the form that builds write, and names no file outside the folder."""
    if not isinstance(entry, dict) or not isinstance(entry.get("outputs"), dict):
        return False
    names = [PurePosixPath(str(name)) for name in entry["outputs"]]
    return isinstance(entry.get("spec"), str) and {"profile", "overrides"} <= set(entry) and all(
        not name.is_absolute() and ".." not in name.parts for name in names)


def write_build(folder: Path, entries: dict[str, dict[str, Any]], texts: dict[str, str], gone: Sequence[str] = ()) -> list[str]:
    """Writes the texts and then the manifest with the entries; deletes what earlier builds of these runs left over.

    Runs that are `gone` leave the manifest, and their files with them. Files that hold the right text already are not
    touched. Returns the names of those that changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        runs = read_manifest(folder)
        before = {name for run in (*entries, *gone) for name in runs.get(run, {}).get("outputs", {})}
        runs = {run: entry for run, entry in runs.items() if run not in gone} | entries
        owned = {name for entry in runs.values() for name in entry["outputs"]}
        changed = [name for name, text in texts.items() if _write(folder / name, text)]
        for name in sorted(before - owned - set(texts)):
            (folder / name).unlink(missing_ok=True)
            changed.append(name)
        _write(folder / MANIFEST, canonical.dumps({"format": FORMAT, "runs": runs}))
    return changed


def stale(folder: Path, texts: dict[str, str], recorded: dict[str, str]) -> list[Stale]:
    """How the files on disk differ from the texts; `recorded` holds the hashes of the last build's outputs."""
    found = []
    for name, text in texts.items():
        try:
            actual = (folder / name).read_bytes()
        except OSError:
            found.append(Stale(name, "missing"))
            continue
        if actual != text.encode():
            by_hand = name in recorded and hashlib.sha256(actual).hexdigest() != recorded[name]
            found.append(Stale(name, "changed by hand" if by_hand else "out of date"))
    return found + [Stale(name, "orphaned") for name in sorted(set(recorded) - set(texts)) if (folder / name).exists()]


def _write(path: Path, text: str) -> bool:
    data, mode = text.encode(), 0o755 if path.suffix == ".sh" else 0o644
    if path.is_file() and path.read_bytes() == data and path.stat().st_mode & 0o777 == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
