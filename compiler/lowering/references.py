"""The other specs that a spec names: its parent and the experiments it is compared with."""

from __future__ import annotations

from pathlib import Path

from ..frontend.resolve import Resolved

PARENT = "resume.from"


def references(resolved: Resolved) -> dict[str, Path]:
    """The key of each reference and the file it means, relative to the file that says so."""
    plain = resolved.plain()
    keys = [PARENT] if plain.get("resume") else []
    keys += [f"eval.compare.{index}.spec" for index in range(len(plain["eval"]["compare"]))]
    return {key: _target(resolved, key) for key in keys}


def _target(resolved: Resolved, key: str) -> Path:
    written = resolved.span(key).file.path.parent / str(resolved.value(key))
    try:
        return written.resolve()
    except (OSError, ValueError):  # a name that no file can have; whoever opens it says that there is none
        return written
