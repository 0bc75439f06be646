"""The other specs that a spec names: its parent, the experiments it is compared with, the runs before it in a series."""

from __future__ import annotations

from pathlib import Path

from ..frontend.resolve import Resolved

PARENT = "resume.from"


def references(resolved: Resolved) -> dict[str, Path]:
    """The key of each reference and the file it means, relative to the file that says so. Of a spec with errors, those that
    can be read."""
    keys = [PARENT]
    for section in ("eval.compare", "series.runs"):
        listed = resolved.node(section)
        count = len(listed.value) if listed is not None and isinstance(listed.value, tuple) else 0
        keys += [f"{section}.{index}.spec" for index in range(count)]
    return {key: _target(written(resolved, key)) for key in keys if isinstance(resolved.value(key), str)}


def written(resolved: Resolved, key: str) -> Path:
    """The path that a reference states, links in it not followed."""
    return resolved.span(key).file.path.parent / str(resolved.value(key))


def _target(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError):  # a name that no file can have; whoever opens it says that there is none
        return path
