"""The specs of a workspace, and which of them are never built."""

from __future__ import annotations

from pathlib import Path

import click

NEVER_BUILT = ("hardware", "shared", "source")
"""Folders of `specs/` that hold parts of specs, and documents restated with their faults."""


def all_specs(workspace: Path) -> list[Path]:
    """The specs that a build without arguments takes: the YAML files in `specs/` and its folders of experiments, however deep;
    hidden ones, such as the locks of editors, are none."""
    folder = workspace / "specs"
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".yaml", ".yml")
                  and _is_experiments(path.relative_to(folder).parts))


def _is_experiments(parts: tuple[str, ...]) -> bool:
    return parts[0] not in NEVER_BUILT and not any(part.startswith(".") for part in parts)


def chosen(specs: tuple[Path, ...], workspace: Path) -> list[Path]:
    """The specs that are named, or all of them. Raises `UsageError` where there are none."""
    found = list(specs) or all_specs(workspace)
    if not found:
        raise click.UsageError(f"there are no specs in {workspace / 'specs'}")
    return found


def to_build(specs: tuple[Path, ...], workspace: Path) -> list[Path]:
    """The specs that a build takes. Those in `specs/source/` restate documents, faults included: raises `UsageError`."""
    for path in specs:
        if path.resolve().is_relative_to((workspace / "specs" / "source").resolve()):
            raise click.UsageError(f"{path} restates a document with its faults and is never built; run `expc check {path}`")
    return chosen(specs, workspace)
