"""The workspace: the nearest folder upwards that holds `specs/`."""

from __future__ import annotations

from pathlib import Path


def find_workspace(start: Path) -> Path | None:
    """The workspace around a path, or None where no folder above it holds `specs/`."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / "specs").is_dir()), None)


def all_specs(workspace: Path) -> list[Path]:
    """The specs that a build without arguments takes: the YAML files right in `specs/`."""
    return sorted(path for path in (workspace / "specs").glob("*.y*ml") if path.suffix in (".yaml", ".yml"))
