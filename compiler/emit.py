"""Build output on disk: writing a build whole, and telling what on disk is not what it should be.

Each file is written whole and the manifest last, so that a build that was cut short is seen by `stale()` and repaired by
the next build. Builds of one folder wait for one another, and nothing is written or deleted outside of it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from .contract import canonical, manifest
from .contract.files import remove_parts, write_atomic
from .contract.record import dataclass

Entry = dict[str, Any]
"""What the manifest says of one run."""

PATIENCE = 1200
"""Looks for the end of another build, twenty a second, before giving up."""

SPOOLED = 4_000_000
"""Bytes of texts that stay in memory."""

LENGTH = 8
"""Bytes of a text's length."""


@dataclass(frozen=True)
class Stale:
    """One file that is not what a build would write."""

    file: str
    why: str  # missing, changed by hand, out of date, orphaned, or what stands in its place


class Texts(Mapping[str, str]):
    """The texts of a build by name, in a temporary file as soon as they are many.

    A build writes nothing before its last spec is known to be sound; a thousand specs come to 60 MB until then.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOLED)
        self._places: dict[str, int] = {}  # where in the file a text's length stands, with the text behind it

    def add(self, texts: Mapping[str, str]) -> None:
        """Takes texts under names that are new to it."""
        for name, text in texts.items():
            data = text.encode()
            self._places[name] = self._file.seek(0, os.SEEK_END)
            self._file.write(len(data).to_bytes(LENGTH) + data)

    def __getitem__(self, name: str) -> str:
        self._file.seek(self._places[name])
        return self._file.read(int.from_bytes(self._file.read(LENGTH))).decode()

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def digest(text: str) -> str:
    """SHA-256 (hex) of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


class Output:
    """The folder of a build, and `runs`, the manifest's entries, while no other build may change them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = manifest.read(folder)

    def write(self, entries: dict[str, Entry], texts: Mapping[str, str], gone: Sequence[str] = (),
              known: Mapping[str, Entry] | None = None) -> list[str]:
        """Writes the texts and then the manifest with the entries; deletes what earlier builds of these runs left over.

        Runs that are `gone` leave the manifest, and their files with them. Files that hold the right text already are not
        touched. Returns the names of those that changed. Raises OSError, before anything is written where that can be
        known: something else stands where a file belongs, or another build has written it since the manifest was
        read that is `known`.
        """
        self._refuse_newcomers(entries, texts, known or {})
        before = {name for run in (*entries, *gone) for name in self.runs.get(run, {}).get("outputs", {})}
        runs = {run: entry for run, entry in self.runs.items() if run not in gone} | entries
        owned = {name for entry in runs.values() for name in entry["outputs"]} | {manifest.NAME}
        left = sorted(before - owned - set(texts))
        for name in (*texts, *left, manifest.NAME):
            self._refuse_obstacles(name)
        self._remove_parts((*texts, *left))
        changed = [name for name, text in texts.items() if _write(self.folder / name, text)]
        for name in left:
            (self.folder / name).unlink(missing_ok=True)
        self._remove_empty(left)
        _write(self.folder / manifest.NAME, canonical.dumps({"format": manifest.FORMAT, "runs": runs}))
        self.runs = runs
        return changed + left

    def _refuse_newcomers(self, entries: Mapping[str, Entry], texts: Mapping[str, str], known: Mapping[str, Entry]) -> None:
        for run, entry in self.runs.items():
            if run not in entries and entry != known.get(run) and (taken := sorted(set(texts) & set(entry["outputs"]))):
                raise OSError(errno.EBUSY, f"the build of {run} just wrote this; build again", str(self.folder / taken[0]))

    def _refuse_obstacles(self, name: str) -> None:
        if found := _obstacle(self.folder, name):
            place, what = found
            raise OSError(errno.EEXIST, f"{what} stands where a build writes; remove it", str(place))

    def _remove_parts(self, names: Iterable[str]) -> None:
        for folder in {self.folder, *((self.folder / name).parent for name in names)}:
            remove_parts(folder)

    def _remove_empty(self, names: Iterable[str]) -> None:
        for parent in sorted({parent for name in names for parent in PurePosixPath(name).parents}, reverse=True):
            if parent.parts:
                with suppress(OSError):
                    (self.folder / parent).rmdir()


@contextmanager
def opened(folder: Path) -> Iterator[Output]:
    """The folder of a build, for this process alone. Raises OSError where it cannot be made, or another build holds it."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link; name the folder that it leads to", str(folder))
    handle = _locked(folder)
    try:
        yield Output(folder)
    finally:
        os.close(handle)


def write_build(folder: Path, entries: dict[str, Entry], texts: Mapping[str, str], gone: Sequence[str] = (),
                known: Mapping[str, Entry] | None = None) -> list[str]:
    """`Output.write` in a folder that is opened for it."""
    with opened(folder) as output:
        return output.write(entries, texts, gone, known)


def _locked(folder: Path) -> int:
    """A handle that holds the folder's lock. The kernel drops it with its process, however that ends."""
    for _ in range(PATIENCE):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.exists() and os.path.samestat(os.fstat(handle), folder.stat()):  # else it was deleted meanwhile
                return handle
        except BlockingIOError:
            time.sleep(0.05)
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    raise OSError(errno.EWOULDBLOCK, "another build has been writing there for a minute; wait for it or end it", str(folder))


def stale(folder: Path, texts: dict[str, str], recorded: dict[str, str]) -> list[Stale]:
    """How the files on disk differ from the texts; `recorded` holds the hashes of the last build's outputs."""
    found = [Stale(name, why) for name, text in texts.items() if (why := _difference(folder, name, text, recorded.get(name)))]
    return found + [Stale(name, "orphaned") for name in sorted(set(recorded) - set(texts)) if (folder / name).exists()]


def _difference(folder: Path, name: str, text: str, recorded: str | None) -> str | None:
    path = folder / name
    try:
        if obstacle := _obstacle(folder, name):
            return f"{obstacle[1]} stands in its place"
        if not path.is_file():
            return "missing"
        actual = path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if actual == text.encode():
        return None
    return "changed by hand" if recorded not in (None, hashlib.sha256(actual).hexdigest()) else "out of date"


def _obstacle(folder: Path, name: str) -> tuple[Path, str] | None:
    """What stands where a file or a folder around it belongs: a link that leads elsewhere, or one for the other."""
    path = folder / name
    for place in (*(folder / parent for parent in reversed(PurePosixPath(name).parents)), path):
        try:
            mode = os.lstat(place).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(mode):
            return place, "a symbolic link"
        if stat.S_ISDIR(mode) == (place == path):
            return place, "a folder" if place == path else "a file"
    return None


def _write(path: Path, text: str) -> bool:
    data, mode = text.encode(), 0o755 if path.suffix == ".sh" else 0o644
    if _holds(path, data, mode):
        return False
    # Not synced: after a loss of power `stale()` sees what is missing, and a build makes it again.
    write_atomic(path, data, mode, durable=False)
    return True


def _holds(path: Path, data: bytes, mode: int) -> bool:
    """Whether a file is there already, with this content and these rights."""
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_mode & 0o777 == mode and file.read() == data
    except OSError:
        return False
