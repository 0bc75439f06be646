"""A resolved spec as YAML that says of every line where it comes from. In: the spec, and the schema for the
order of its keys and their descriptions. Out: text that is a spec again, with the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from .contract.record import dataclass
from .frontend.keys import Path, description, schema_at
from .frontend.remarks import KEY as NOTES
from .frontend.resolve import Origin, Resolved
from .frontend.scalars import scalar
from .frontend.shapes import Shapes
from .render import width
from .source import Node

WIDEST = 72
"""Columns after which a comment follows its line instead of standing below the others."""

CLAIMS = "claims"
PLAIN = re.compile(r"[^\W\d][\w./%+-]*(?: [\w./%+-]+)*|[0-9]+(?:\.[0-9]+)?(?:%|[A-Za-z]+)")
YAML_1_1 = {"y", "n", "yes", "no", "on", "off"}


@dataclass(frozen=True)
class Line:
    """One line of YAML, and the key that it shows the value of; None for a line that is a comment."""

    text: str
    path: Path | None


def annotated(resolved: Resolved, shapes: Shapes, described: bool = False, path: Path = ()) -> str:
    """The spec, or what is at a path, each line with its place; with `described`, each key with what it means."""
    is_item = bool(path) and isinstance(resolved.tree.find(path[:-1])[0].value, tuple)
    head = "-" if is_item else f"{scalar_text(path[-1])}:" if path else ""
    rows = list(_value(resolved, shapes, path, head, described) if path else _mapping(resolved, shapes, path, described))
    column = max((width(row.text) for row in rows if row.path and width(row.text) <= WIDEST), default=0)
    return "".join(row.text + (_comment(resolved, row, column) if row.path else "") + "\n" for row in rows)


def standing(resolved: Resolved) -> Resolved:
    """The spec without the claims that are about another (those of a base, or under a profile those of the full size), and
    without the notes on them."""
    claims, tree = resolved.tree.child(CLAIMS), resolved.tree.value
    if claims is None or not isinstance(claims.value, dict) or not isinstance(tree, dict):
        return resolved
    own = {name: one for name, one in claims.value.items() if resolved.states((CLAIMS, name))}
    kept = {name: claims.holding(own) if name == CLAIMS else one for name, one in tree.items() if own or name != CLAIMS}
    notes = kept.get(NOTES)
    if notes is not None and isinstance(notes.value, tuple):
        kept[NOTES] = notes.holding(tuple(one for one in notes.value if not _is_gone(one.child("about"), own)))
    return replace(resolved, tree=resolved.tree.holding(kept))


def _is_gone(about: Node | None, own: dict[str, Node]) -> bool:
    section, _, name = str(about.value if about else "").partition(".")
    return section == CLAIMS and (name.partition(".")[0] not in own if name else not own)


def origin_of(resolved: Resolved, path: Path) -> str:
    """Where the value at a path comes from: a layer and a place."""
    source = resolved.source(path)
    if source is None or source.layer.kind == "default":
        return "default"
    return {"file": f"{source.span}", "profile": f"{source.layer.name}, {source.span}"}.get(
        source.layer.kind, source.layer.name)


def raw(resolved: Resolved, path: Path) -> str | None:
    """The text with references that a value was made from; None for a value that stands as it is written."""
    source = resolved.source(path)
    text = source.value if source else None
    return text if isinstance(text, str) and "${" in text else None


def replaced(resolved: Resolved, path: Path) -> list[Origin]:
    """The layers' lists around a path, where one of them replaces another; the last one counts. Notes are gathered."""
    if path[:1] == (NOTES,):
        return []
    for depth in range(1, len(path) + 1):
        node = resolved.node(path[:depth])
        if node is not None and isinstance(node.value, tuple):
            said = resolved.layers(path[:depth])
            lists = [one for one in said if isinstance(one.value, list) and one.layer.kind != "default"]
            return lists if len(lists) > 1 else []
    return []


def _comment(resolved: Resolved, row: Line, column: int) -> str:
    assert row.path is not None
    said = origin_of(resolved, row.path)
    if made := raw(resolved, row.path):
        said += f", from {_escaped(made)}"
    return " " * max(column - width(row.text), 0) + "  # " + said.replace("\n", " ")


def _mapping(resolved: Resolved, shapes: Shapes, path: Path, described: bool) -> Iterator[Line]:
    node = resolved.tree.find(path)[0]
    assert isinstance(node.value, dict)
    schema = schema_at(shapes, resolved.plain(), path)
    order = list(shapes.properties(schema, node.plain()))
    place = {name: index for index, name in enumerate(order)}
    for name in sorted(node.value, key=lambda name: place.get(name, len(order))):
        inner = (*path, name)
        if described and (said := _described(resolved, shapes, inner)):
            yield Line(f"# {said}", None)
        yield from _value(resolved, shapes, inner, scalar_text(name) + ":", described)


def _described(resolved: Resolved, shapes: Shapes, path: Path) -> str | None:
    said = description(shapes, schema_at(shapes, resolved.plain(), path), resolved.value(path))
    return " ".join(said.split()) if said else None


def _value(resolved: Resolved, shapes: Shapes, path: Path, head: str, described: bool) -> Iterator[Line]:
    """The lines of one value after its head, `key:` or `-`."""
    node = resolved.tree.find(path)[0]
    if not isinstance(node.value, dict | tuple) or not node.value:
        yield Line(f"{head} {_single(node)}", path)
        return
    if isinstance(node.value, dict):
        rows = list(_mapping(resolved, shapes, path, described))
    else:
        rows = [row for index in range(len(node.value))
                for row in _value(resolved, shapes, (*path, str(index)), "-", described and not index)]
    if head == "-":  # the first line of an item stands beside its dash, after what describes it
        first = next(index for index, row in enumerate(rows) if row.path)
        yield from (Line(f"  {row.text}", None) for row in rows[:first])
        yield Line(f"- {rows[first].text}", rows[first].path)
        rows = rows[first + 1:]
    else:
        yield Line(head, path)
    yield from (Line(f"  {row.text}", row.path) for row in rows)


def _single(node: Node) -> str:
    if isinstance(node.value, dict | tuple):
        return "{}" if isinstance(node.value, dict) else "[]"
    return scalar_text(node.value)


def scalar_text(value: str | int | float | bool | None) -> str:
    """A scalar that YAML 1.1 and 1.2 read alike, on one line; a text's `${` is kept from being a reference."""
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" not in text else text.replace("e", ".0e")
    if not isinstance(value, str):
        return json.dumps(value)
    safe = PLAIN.fullmatch(value) and value.lower() not in YAML_1_1 and isinstance(scalar(value), str)
    return value if safe else _escaped(value.replace("${", "$${"))


def _escaped(text: str) -> str:
    """In double quotes, with everything escaped that is not printable."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
                   for char in json.dumps(text, ensure_ascii=False))
