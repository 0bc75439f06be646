"""JSON files and folders that are whole or not there: made under a temporary name in the same place, synced, renamed.

A folder can be sealed: a manifest with size and SHA-256 of each of its files tells later whether it is still whole.
Single files are written by the contract's `write_atomic`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from expc.compiler.contract.files import sync, write_atomic

MANIFEST = "manifest.json"


def write_json(path: Path, value: Any) -> None:
    """JSON with sorted keys and two-space indent, written whole. NaN and infinity become null: JSON has neither."""
    write_atomic(path, json.dumps(_finite(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def read_json(path: Path) -> Any:
    """The file's JSON, or None where there is no file or no whole JSON in it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file's content, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder: Path, top: Path) -> None:
    """Makes a folder so that a power loss leaves it there: each folder up to `top` is a line in the one above it."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in (folder, *folder.parents):
        sync(one)
        if one == top:
            return


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target` that becomes it when the block ends well, and goes away when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        yield temporary
        for path in temporary.rglob("*"):
            sync(path)
        os.chmod(temporary, 0o755)
        sync(temporary)
        if target.exists():
            discard(target)
        os.rename(temporary, target)
        sync(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def discard(folder: Path) -> None:
    """Deletes a folder so that a kill half-way leaves a leftover, never a folder that lacks files."""
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    os.rename(folder, aside / "discarded")
    shutil.rmtree(aside)


def seal(folder: Path) -> None:
    """Writes the manifest of a folder that is complete."""
    facts = {path: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in _files(folder)}
    write_json(folder / MANIFEST, {str(path.relative_to(folder)): said for path, said in facts.items()})


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)


def broken(folder: Path, hashes: bool = True) -> str | None:
    """Why a sealed folder is not whole any more, or None; without `hashes` only names and sizes are looked at."""
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or not all(isinstance(said, dict) for said in manifest.values()):
        return "it is incomplete"
    found = {str(path.relative_to(folder)): path for path in _files(folder)}
    for name in sorted(found.keys() ^ manifest.keys()):
        return f"{name} is missing" if name in manifest else f"{name} is not in its manifest"
    for name, path in found.items():
        if path.stat().st_size != manifest[name].get("bytes"):
            return f"{name} is cut short or too long"
        if hashes and sha256_of(path) != manifest[name].get("sha256"):
            return f"{name} does not match its checksum"
    return None


def remove_leftovers(folder: Path, prefix: str = ".") -> None:
    """Deletes temporary files and folders that a killed process left in a folder."""
    for path in folder.glob(f"{prefix}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
