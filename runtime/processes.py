"""What Linux says of a process. In: its number. Out: the fields of proc(5) that come after its name."""

from __future__ import annotations

from pathlib import Path

ENDED = "ZXx"
"""States in which a process does nothing any more: a zombie, which keeps its number until its parent asks for it, or dead."""


def fields(pid: object) -> list[str] | None:
    """State, parent, group and all that follows; None where there is no process of that number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()  # from field 3 on, after a name that may hold anything
