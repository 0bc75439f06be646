"""`expc check`: specs in, their diagnostics out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..acknowledge import Acknowledged, told
from ..contract import manifest
from ..diagnostics import Diagnostic, Severity, ordered
from ..pipeline import Compiled, Session
from ..workspace import chosen
from .owners import owned
from .shared import ERRORS, echo, say, sessions, workspace_of


def check(specs: tuple[Path, ...], form: str) -> int:
    """All diagnostics of the specs, bare and under each of their profiles."""
    workspace = workspace_of(specs)
    session, count = sessions(workspace), 0
    every = (one for spec in chosen(specs, workspace) for one in _every_profile(spec, session))
    found: list[Diagnostic] = []
    taken: list[Acknowledged] = []
    for one in owned(every, workspace, manifest.read(workspace / "generated")):
        found += one.diagnostics
        taken += one.acknowledged
        count += 1
    failed = say(found, form, workspace)
    if not failed and form == "text":
        warnings = sum(one.severity is Severity.WARNING for one in ordered(found))
        said = f", {warnings} warning{'s' * (warnings > 1)}" if warnings else ""
        echo(("1 experiment is sound" if count == 1 else f"{count} experiments are sound") + said + told(taken))
    return ERRORS if failed else 0


def _every_profile(spec: Path, session: Callable[[str | None], Session]) -> Iterator[Compiled]:
    bare = session(None).compile(spec)
    yield bare
    for name in bare.resolved.profiles if bare.resolved else ():
        yield session(name).compile(spec)
