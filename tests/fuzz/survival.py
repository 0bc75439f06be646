"""What has to hold for any spec, sound or not: what is said of it can be printed, and what is accepted can be frozen."""

from __future__ import annotations

import json
import unicodedata
from pathlib import PurePosixPath

from expc.compiler import render
from expc.compiler.contract import snapshot
from expc.compiler.diagnostics import has_errors
from expc.compiler.pipeline import Compiled, artifacts


def can_be_printed(text: str) -> bool:
    """Whether nothing in a text acts on a terminal: no control characters, nothing that turns the direction of text."""
    return all(c.isprintable() or c in "\n\u200d" or unicodedata.category(c) == "Zs" for c in text)


def survives(one: Compiled) -> dict[str, str]:
    """Holds what must hold for a compiled spec; the texts of its build, none where it has errors."""
    assert has_errors(one.diagnostics) == (one.experiment is None)
    assert can_be_printed(render.as_text(one.diagnostics)) and can_be_printed(render.as_github(one.diagnostics))
    for form in (render.as_json, render.as_sarif):
        assert json.loads(form(one.diagnostics))
    if one.experiment is None:
        return {}
    texts = artifacts(one.experiment)
    for name, text in texts.items():
        assert ".." not in PurePosixPath(name).parts and not PurePosixPath(name).is_absolute()
        text.encode()
    frozen = texts[f"{one.experiment.run}/snapshot.json"]
    assert snapshot.dumps(snapshot.loads(frozen)) == frozen
    return texts
