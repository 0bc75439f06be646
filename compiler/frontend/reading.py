"""A file of a workspace into memory. In: a path that a user wrote. Out: a `SourceFile`, or the reason why
there is none: missing (with the near file names), a folder, unreadable, too large, not UTF-8."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..diagnostics import Diagnostic, listing, nearest, quote
from ..source import SourceFile, Span

MAX_BYTES = 1_000_000
SUFFIXES = (".yaml", ".yml")


def load(path: Path, workspace: Path, *, span: Span | None = None, code: str = "E001",
         ) -> tuple[SourceFile | None, list[Diagnostic]]:  # fmt: skip
    """Reads a file; `span` is the place that named it (an `extends` entry) and `code` what to call its
    absence."""
    shown = display(path, workspace)
    place = span or SourceFile(path, shown, "").span(0, 0)
    try:
        data = _read(path)
    except FileNotFoundError:
        return None, [Diagnostic(code, absent(path, shown), place, near_file(path, workspace, span))]
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return None, [Diagnostic(code, f"cannot read {quote(shown)}: {why[:1].lower()}{why[1:]}", place)]
    return _decode(SourceFile(path, shown, ""), data)


def display(path: Path, workspace: Path) -> str:
    """The path as diagnostics print it: relative to the workspace, with forward slashes."""
    return Path(os.path.relpath(path, workspace)).as_posix()


def outside(said: str, path: Path, workspace: Path) -> tuple[str, str] | None:
    """Why a spec cannot name a path (the end of a sentence, and help); None where it can."""
    if os.path.isabs(said) or said.startswith("~"):
        return "names an absolute path", "write it relative to this file, so that it holds on every machine"
    if display(path, workspace).startswith("../") or _leads_out(path, workspace):
        return "leaves the workspace", "copy it into the workspace: a build must not depend on files outside"
    return None


def _leads_out(path: Path, workspace: Path) -> bool:
    """Whether links lead from a path of the workspace to somewhere else."""
    try:
        inside = os.path.join(os.path.realpath(workspace), "")
        return not os.path.join(os.path.realpath(path), "").startswith(inside)
    except (OSError, ValueError):  # no file can have that name
        return False


def _read(path: Path) -> bytes:
    mode = os.stat(path).st_mode  # where it raises, it says why: missing, a name too long, no right to look
    if stat.S_ISDIR(mode):
        raise ValueError("it is a folder, and a YAML file is needed")
    if not stat.S_ISREG(mode):  # a pipe or a device may never end
        raise ValueError("it is not a regular file")
    with open(path, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES:,} bytes, which no spec needs")
    return data


def _decode(file: SourceFile, data: bytes) -> tuple[SourceFile | None, list[Diagnostic]]:
    found: list[Diagnostic] = []
    marked = data.startswith(b"\xef\xbb\xbf")
    try:
        text = data[3 * marked :].decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[3 * marked :][: error.start].decode("utf-8")
        broken = SourceFile(file.path, file.display, good)
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        what = (
            "this file is UTF-16, not UTF-8"
            if wide
            else f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        )
        return None, [Diagnostic("E002", what, broken.span(len(good), len(good)), "save the file as UTF-8")]
    source = SourceFile(file.path, file.display, text)
    if marked:
        message = "the file begins with a byte order mark (ignored)"
        found.append(Diagnostic("W003", message, source.span(0, 0), 'save it as UTF-8 "without BOM"'))
    return source, found


def absent(path: Path, shown: str) -> str:
    """What a message says of a path where no file is; `shown` is the path as its reader knows it."""
    if os.path.islink(path):
        return f"{quote(shown)} is a link that leads nowhere: there is no {quote(os.readlink(path))}"
    if os.path.isdir(path):
        return f"{quote(shown)} is a folder, and a YAML file is needed"
    return f"there is no file {quote(shown)}"


def near_file(path: Path, workspace: Path, span: Span | None = None) -> str | None:
    """Help for a missing file: a near name in its folder, else among all specs, written as the file of `span`
    would name it (without one, as seen from the workspace)."""
    root = span.file.path.parent if span else workspace

    def shown(one: Path) -> str:
        return display(one, root)

    folders = [path.parent, *(Path(folder) for folder, _, _ in sorted(os.walk(workspace / "specs")))]
    others = [[one for one in map(folder.joinpath, _names(folder)) if one != path and one != (span and span.file.path)]
              for folder in folders]  # fmt: skip
    here, specs = others[0], [one for each in others[1:] for one in each]
    for candidates, name in ((here, _name), (specs, shown), (specs, _name)):
        known = {name(one): one for one in reversed(candidates)}
        near = nearest(name(path), known) or (name(path) + ".yaml" if name(path) + ".yaml" in known else None)
        if near is not None:
            return f"did you mean {quote(shown(known[near]))}?"
    return f"in that folder: {listing([one.name for one in here], 12)}" if here else None


def _name(path: Path) -> str:
    return path.name


def _names(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(SUFFIXES))
    except (OSError, ValueError):
        return []
