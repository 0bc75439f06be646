"""`expc plan`: specs in; predictions, and the difference to what is built, out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from ..contract import manifest
from ..diagnostics import listing, nearest
from ..hardware import DEVICES
from ..plan.markdown import as_markdown
from ..plan.plain import as_plain, gone_as_plain
from ..plan.plan import plan as planned
from ..plan.text import as_text, gone_as_text
from ..workspace import chosen
from .committed import FOLDER, committed, reader
from .entries import abandoned, deleted, spec_of
from .owners import owned
from .shared import ERRORS, STALE, compile_all, echo, failed, workspace_of


def plan(specs: tuple[Path, ...], profile: str | None, overrides: tuple[str, ...], against: str | None,
         targets: tuple[str, ...], form: Literal["text", "markdown", "json"]) -> int:
    """Predictions and the difference to what is built, on disk or in git."""
    for name in targets:
        _refuse_unknown(name)
    workspace = workspace_of(specs)
    recorded = manifest.read(workspace / FOLDER)
    compiled = list(owned(compile_all(chosen(specs, workspace), workspace, profile, overrides), workspace, recorded))
    if failed((diagnostic for one in compiled for diagnostic in one.diagnostics), form == "json"):
        return ERRORS
    read, at = reader(workspace, against)
    plans = [planned(one.experiment, committed(read, at, one.experiment.run, spec_of(one, workspace), one.experiment.profile),
                     targets) for one in compiled if one.experiment is not None]
    listed = manifest.entries(read(manifest.NAME) or "")
    given = {(spec_of(one, workspace), one.resolved.profile) for one in compiled if one.resolved is not None}
    gone = deleted(listed, abandoned(listed, workspace, given if specs else None))
    if form == "json":
        echo(json.dumps([*map(as_plain, plans), *(gone_as_plain(*one) for one in gone.items())], indent=2))
    elif form == "markdown":
        echo(as_markdown(plans, gone))
    else:
        echo("\n\n".join([*map(as_text, plans), *(gone_as_text(*one) for one in gone.items())]))
    return STALE if gone or not all(one.empty for one in plans) else 0


def _refuse_unknown(target: str) -> None:
    if target not in DEVICES:
        near = nearest(target, DEVICES)
        raise click.UsageError(f"there is no target {target}; " + (
            f"did you mean {near}?" if near else f"the catalogue has: {listing(DEVICES)}"))
