"""What builds record of what they wrote: a folder in, each run's spec, profile, overrides and the hashes of its files out.

A build writes it last, so a file that is not what it says is edited, or of a build that was cut short.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

NAME = "manifest.json"
FORMAT = "expc.manifest/1"


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries by run; empty where there is no manifest that can be read."""
    try:
        return entries((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def entries(text: str) -> dict[str, dict[str, Any]]:
    """The entries by run of a manifest's text; empty where it cannot be read."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    readable = isinstance(body, dict) and body.get("format") == FORMAT and isinstance(body.get("runs"), dict)
    return {run: entry for run, entry in body["runs"].items() if _is_entry(entry)} if readable else {}


def recorded(folder: Path, name: str) -> str | None:
    """The SHA-256 (hex) of a file, by its name below the folder, when it was built; None where that is not recorded."""
    outputs = {file: stated for entry in read(folder).values() for file, stated in entry["outputs"].items()}
    return outputs.get(name)


def _is_entry(entry: Any) -> bool:
    """Whether an entry is of the form that builds write, and names no file outside the folder."""
    if not isinstance(entry, dict) or not isinstance(entry.get("outputs"), dict):
        return False
    whole = isinstance(entry.get("spec"), str) and {"profile", "overrides"} <= set(entry)
    return whole and all(map(_is_inside, entry["outputs"]))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
