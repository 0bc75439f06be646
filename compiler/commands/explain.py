"""`expc explain`: a diagnostic's code, or a spec and a key, in; what it means or where it comes from out."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ..diagnostics import nearest
from ..handbook import HANDBOOK
from ..pipeline import Session
from .shared import ERRORS, failed, workspace_of


def explain(subject: str, key: str | None, profile: str | None, overrides: tuple[str, ...], as_json: bool) -> int:
    """A diagnostic's explanation, or the layers of a value."""
    path = Path(subject)
    if key is None and not path.exists():
        return _explain_code(subject, as_json)
    if key is None:
        raise click.UsageError(f"which key of {subject}? for instance: expc explain {subject} optimizer.matrix_lr")
    compiled = Session(workspace_of((path,)), profile).compile(path, overrides)
    resolved = compiled.resolved
    layers = resolved.layers(key) if resolved else []
    unread = [one for one in compiled.diagnostics if not one.code.startswith(("E1", "E3", "W3"))]
    if failed(unread, as_json):
        return ERRORS
    if not layers:
        raise click.UsageError(f"{subject} has no value at {key}")
    if as_json:
        rows = [{"layer": one.layer.name, "value": one.value, "place": str(one.span)} for one in layers]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    width = max(len(one.layer.name) for one in layers)
    for one in layers:
        value = json.dumps(one.value, ensure_ascii=False)
        place = "" if one.layer.kind == "default" else f"  {one.span}"
        click.echo(f"{one.layer.name:<{width}}  {value}{place}")
    click.echo(f"{key} = {json.dumps(resolved.value(key) if resolved else None, ensure_ascii=False)}")
    return 0


def _explain_code(code: str, as_json: bool) -> int:
    one = HANDBOOK.get(code.upper())
    if one is None:
        near = nearest(code.upper(), HANDBOOK)
        raise click.UsageError(f"there is no diagnostic {code}" + (f"; did you mean {near}?" if near else ""))
    click.echo(json.dumps(asdict(one), indent=2, ensure_ascii=False) if as_json else one.shown())
    return 0
