"""`expc explain`: a diagnostic's code, or a spec with or without a key, in; what it means or where it comes from out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..annotated import CLAIMS, WIDEST, annotated, origin_of, raw, replaced, standing
from ..codes import page
from ..diagnostics import Diagnostic, listing, nearest
from ..frontend import keys
from ..frontend.extends import RESERVED
from ..frontend.merge import Layer
from ..frontend.parse import parse
from ..frontend.resolve import Origin, Resolved, parts
from ..frontend.shapes import Shapes
from ..handbook import HANDBOOK
from ..pipeline import Session
from ..source import Node
from ..spec_schema import complete
from .shared import ERRORS, echo, failed, say, workspace_of


def explain(subject: str, key: str | None, profile: str | None, overrides: tuple[str, ...], described: bool,
            as_json: bool) -> int:
    """A diagnostic's explanation, a whole spec with the place of every value, or the layers of one value."""
    path = Path(subject)
    if key is None and not path.exists() and "." not in path.name and not path.parent.name:
        return _explain_code(subject, as_json)
    compiled = Session(workspace_of((path,)), profile).compile(path, overrides)
    # Mistakes of shape and sense leave a spec to explain; one that cannot be read, or a profile that nobody has, does not.
    unread = [one for one in compiled.diagnostics if one.code.startswith(("E0", "E2", "W0"))]
    if failed(unread, as_json) or compiled.resolved is None:
        return ERRORS
    shapes, path_ = Shapes(complete()), _path(key, compiled.resolved)
    strange = [one for one in compiled.diagnostics if one.code == "E102" or one.code.startswith("E1") and _is_about(one, path_)]
    answer = ERRORS if say(strange) else 0
    if path_ is not None and path_[0] in RESERVED:
        return _explain_reserved(path_, compiled.resolved, as_json) or answer
    if path_ is not None:
        _explain_key(path_, compiled.resolved, shapes, described, as_json)
    elif as_json:
        own = standing(compiled.resolved)
        echo(json.dumps(list(_leaves(own, own.tree, ())), indent=2))
    else:
        echo(annotated(standing(compiled.resolved), shapes, described), nl=False)
    return answer


def _path(key: str | None, resolved: Resolved) -> keys.Path | None:
    """The path of a key as it was typed; None where none was."""
    try:
        path = None if key is None else keys.path_of(key, resolved.tree)
    except keys.NoKey as error:
        raise click.UsageError(str(error)) from None
    if path == ():
        raise click.UsageError("the key is empty; without one, the whole spec is shown")
    return path


def _is_about(one: Diagnostic, path: keys.Path | None) -> bool:
    """Whether a finding is about a key, or about what it holds."""
    return path is not None and any(parts(key)[:len(path)] == path for key in one.keys)


def _explain_reserved(path: keys.Path, resolved: Resolved, as_json: bool) -> int:
    """`extends` and what is under `profiles`: keys of files, which no layer holds."""
    files = [resolved.spec] if path[0] == "extends" else [*reversed(resolved.files)]
    said: list[Origin] = []
    for file in files:
        root = parse(file)[0]
        node, depth = root.find(path) if root is not None else (None, 0)
        if root is not None and node is not None and depth == len(path):
            said.append(Origin(Layer(file.display, "file", root), node.plain(), node.place))
    name = keys.written(path)
    if not said and len(path) > 1:
        have = f"its profiles are: {listing(resolved.profiles)}" if resolved.profiles else "it has no profiles"
        raise click.UsageError(f"{resolved.spec.display} has nothing at {name}; {have}")
    if as_json:
        echo(json.dumps({"key": name, "value": said[-1].value if said else None, "is_set": bool(said), "layers": _rows(said)},
                        indent=2))
        return 0
    for line in _shown_layers(said):
        echo(line)
    echo(f"{name} = {_short(said[-1].value)}" if said else f"{name} is not set and has no default")
    return 0


def _explain_code(code: str, as_json: bool) -> int:
    one = HANDBOOK.get(code.upper())
    if one is None:
        near = nearest(code.upper(), HANDBOOK)
        raise click.UsageError(f"there is no diagnostic and no file {code}" + (f"; did you mean {near}?" if near else ""))
    echo(json.dumps(asdict(one), indent=2) if as_json else one.shown())
    return 0


def handbook(as_json: bool) -> int:
    """Every diagnostic's explanation, as the page `docs/diagnostics.md`, or as a list in JSON."""
    if as_json:
        echo(json.dumps([asdict(HANDBOOK[code]) for code in sorted(HANDBOOK)], indent=2))
    else:
        echo(page(HANDBOOK), nl=False)
    return 0


def _leaves(resolved: Resolved, node: Node, path: keys.Path) -> Iterator[dict[str, Any]]:
    if isinstance(node.value, dict | tuple) and node.value:
        items = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
        for name, child in items:
            yield from _leaves(resolved, child, (*path, str(name)))
    elif path:
        source = resolved.source(path)
        is_stated = source is not None and source.layer.kind != "default"
        yield {"key": keys.written(path), "value": node.plain(), "written": raw(resolved, path),
               "layer": source.layer.name if source else "default", "place": str(node.place) if is_stated else None}


def _explain_key(path: keys.Path, resolved: Resolved, shapes: Shapes, described: bool, as_json: bool) -> None:
    layers, node = resolved.layers(path), resolved.node(path)
    if not layers and node is None and not keys.is_known(shapes, resolved, path):
        near = keys.meant(shapes, resolved, path)
        raise click.UsageError(f"{resolved.spec.display} has nothing at {keys.written(path)}; {near}")
    said = keys.description(shapes, keys.schema_at(shapes, resolved.plain(), path), resolved.value(path))
    if as_json:
        body = {"key": keys.written(path), "value": resolved.value(path), "written": raw(resolved, path),
                "is_set": node is not None, "description": said, "layers": _rows(layers)}
        echo(json.dumps(body, indent=2))
        return
    if described and said:
        echo(said)
    for line in (*_shown_layers(layers), *_shown_lists(resolved, path)):
        echo(line)
    if node is not None and isinstance(node.value, dict | tuple):
        echo(annotated(resolved, shapes, described, path), nl=False)
    else:
        echo(_outcome(resolved, path, layers))


def _rows(layers: list[Origin]) -> list[dict[str, Any]]:
    return [{"layer": one.layer.name, "value": one.value, "place": _place(one)} for one in layers]


def _place(one: Origin) -> str | None:
    return None if one.layer.kind == "default" else str(one.span)


def _shown_layers(layers: list[Origin]) -> Iterator[str]:
    width = max((len(one.layer.name) for one in layers), default=0)
    for one in layers:
        value = "deleted" if one.value is None else _short(one.value)
        yield f"{one.layer.name:<{width}}  {value}" + (f"  {_place(one)}" if _place(one) else "")


def _short(value: object) -> str:
    """A value on one line; of a mapping or a list what fits, for it is shown in full below."""
    text = json.dumps(value, ensure_ascii=False)
    return text if not isinstance(value, dict | list) or len(text) <= WIDEST else text[:WIDEST - 1] + "…"


def _shown_lists(resolved: Resolved, path: keys.Path) -> Iterator[str]:
    """A list replaces the one below it as a whole: what the lower one said of an item counts for nothing."""
    lists = replaced(resolved, path)
    for below, above in zip(lists, lists[1:], strict=False):
        yield f"the list at {above.span} replaces that of {below.span} as a whole"


def _outcome(resolved: Resolved, path: keys.Path, layers: list[Origin]) -> str:
    name = keys.written(path)
    if resolved.node(path) is None:
        return f"{name} is not set" + ("" if layers else " and has no default")
    value = json.dumps(resolved.value(path), ensure_ascii=False)
    if made := raw(resolved, path):
        return f"{name} = {value}, made of {json.dumps(made, ensure_ascii=False)}"
    is_back = layers and layers[-1].value is None and origin_of(resolved, path) == "default"
    if path[0] == CLAIMS and len(path) > 1 and not resolved.states(path[:2]):
        return f"{name} = {value}, stated of another form of the spec: nothing is checked by it here"
    return f"{name} = {value}" + (", the default: what stood over it was deleted" if is_back else "")
