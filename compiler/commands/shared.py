"""What the commands share: the workspace and its specs, compiling them, printing their diagnostics."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import click

from .. import render
from ..contract.workspace import find_workspace
from ..diagnostics import Diagnostic, has_errors, ordered
from ..launchers.quoting import shell
from ..pipeline import Compiled, Session

ERRORS, STALE = 1, 2


def workspace_of(specs: tuple[Path, ...]) -> Path:
    """The workspace that the first spec is in, or the one around the current folder."""
    start = specs[0].resolve().parent if specs else Path.cwd()
    found = find_workspace(start)
    if found is None:
        raise click.UsageError(f"no folder above {start} holds specs/; run this inside a workspace")
    return found


def sessions(workspace: Path) -> Callable[[str | None], Session]:
    """One session a profile, so that specs which refer to one another are compiled once."""
    return cache(lambda profile: Session(workspace, profile))


def compile_all(specs: Iterable[Path], workspace: Path, profile: str | None, overrides: tuple[str, ...],
                ) -> Iterator[Compiled]:
    """The specs compiled one after the other with the overrides, each of which holds for all of them."""
    shared = Session(workspace, profile)
    # Overrides hold for one spec; another that refers to it has to see it without them.
    return ((Session(workspace, profile) if overrides else shared).compile(spec, overrides) for spec in specs)


def echo(text: str, err: bool = False, nl: bool = True) -> None:
    """Prints a text, in which nothing acts on the terminal."""
    click.echo(render.printable(text), err=err, nl=nl)


def say(found: Iterable[Diagnostic], form: str = "text", workspace: Path | None = None) -> bool:
    """Prints diagnostics; whether there is an error among them. What code hosts read has paths of the repository around the
    workspace."""
    found = ordered(found)
    if form == "text":
        if found:
            click.echo(render.as_text(found, colour=_colour()), err=True)
    elif form == "json":
        click.echo(render.as_json(found))
    elif form == "github":
        click.echo(render.as_github(found, _top(workspace or Path.cwd())))
    else:
        from ..handbook import HANDBOOK

        about = {code: (one.title, " ".join(one.text.split())) for code, one in HANDBOOK.items()}
        click.echo(render.as_sarif(found, _top(workspace or Path.cwd()), about))
    return has_errors(found)


def _top(folder: Path) -> Path:
    """The top of the git repository around a folder; without one, the current folder."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), Path.cwd())


def failed(found: Iterable[Diagnostic], as_json: bool) -> bool:
    """Whether there is an error. Prints the diagnostics: errors as JSON where that is asked for, warnings beside it as text."""
    found = list(found)
    return say(found, "json" if as_json and has_errors(found) else "text")


def _colour() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


def shown(path: Path) -> str:
    """A path that can be pasted into a shell: relative where it is below the current folder."""
    text = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    return shell(text) if text.isprintable() else render.visible(text)
