"""Small workspaces for tests of the compiler's front end, with a small schema of the same build as the real
one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from expc.compiler.diagnostics import Diagnostic, ordered
from expc.compiler.frontend.parse import parse
from expc.compiler.frontend.resolve import Resolved, resolve
from expc.compiler.frontend.schema import validate
from expc.compiler.render import as_text
from expc.compiler.source import Node, SourceFile

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "small.schema.json").read_text(encoding="utf-8"))
WHOLE = "name: d8\nmodel: {family: gpt, dim: 256}\nsteps: 5000\n"  # all that the small schema requires


def source(text: str, name: str = "spec.yaml") -> SourceFile:
    return SourceFile(Path(name), name, text)


def read(text: str) -> tuple[Node | None, list[Diagnostic]]:
    return parse(source(text))


def plain(text: str) -> Any:
    """The value of a text that has no mistakes."""
    node, found = read(text)
    assert node is not None and not found, as_text(found)
    return node.plain()


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="")


def check(
    folder: Path,
    spec: str = "spec.yaml",
    profile: str | None = None,
    overrides: Sequence[str] = (),
    schema: Mapping[str, Any] | None = SCHEMA,
) -> tuple[Resolved | None, list[Diagnostic]]:
    """A spec of a workspace, resolved and validated."""
    resolved, found = resolve(
        folder / spec, workspace=folder, profile=profile, overrides=overrides, schema=schema
    )
    if resolved is not None and schema is not None:
        found = found + validate(resolved, schema)
    return resolved, ordered(found)


def sound(folder: Path, **options: Any) -> Resolved:
    """A spec without mistakes."""
    resolved, found = check(folder, **options)
    assert resolved is not None and not found, as_text(found)
    return resolved


def codes(found: Sequence[Diagnostic]) -> list[str]:
    return [one.code for one in found]
