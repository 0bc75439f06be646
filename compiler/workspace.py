"""The specs of a workspace."""

from __future__ import annotations

from pathlib import Path


def all_specs(workspace: Path) -> list[Path]:
    """The specs that a build without arguments takes: the YAML files right in `specs/`."""
    return sorted(path for path in (workspace / "specs").glob("*.y*ml") if path.suffix in (".yaml", ".yml"))
