"""The workspace: the nearest folder upwards that holds `specs/`."""

from __future__ import annotations

from pathlib import Path


def find_workspace(start: Path) -> Path | None:
    """The workspace around a path, or None where no folder above it holds `specs/`."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / "specs").is_dir()), None)
