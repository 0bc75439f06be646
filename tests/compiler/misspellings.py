"""Every slip that a hand makes in a spec. In: the text of a spec or base file, and schemas of its places. Out: `Slip`s: a
key or an option with letters swapped, dropped, doubled or in another case, and keys one level too high or too deep, each with
the words that the error on its line must have."""

from __future__ import annotations

import copy
import os.path
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

from expc.compiler.frontend.parse import parse
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.source import Node, Span
from tests.compiler.specs import source

Path = tuple[str, ...]
FILES = {"extends", "from", "spec"}  # keys whose texts name files
NAMES = {"metric", "about", "indicators"}  # keys whose texts name what the spec or its family has


@dataclass(frozen=True)
class Slip:
    """One mistake. `valid` says why it is none: the misspelt word happens to have a meaning of its own there."""

    kind: str  # "key swapped", "option dropped", "key one level up", …
    where: str
    make: Callable[[], tuple[str, int]]  # the text that has it, and its line there
    meant: tuple[str, ...]  # what the error must name
    valid: str = ""


@dataclass(frozen=True)
class Place:
    """A key of a file: its path there, its path in the resolved spec, and what the schema says of both."""

    path: Path
    home: Path  # without profiles.<name>
    node: Node
    known: frozenset[str]  # keys that may stand in the same mapping
    free: bool  # the key is the user's to name
    options: tuple[str, ...]  # words of which the value has to be one; () where it is free
    kind: str


def slips(text: str, shapes: Shapes, contexts: dict[str | None, Any], existing: frozenset[str]) -> Iterator[Slip]:
    """All slips in one file; `contexts` holds the resolved spec by profile, `existing` the metrics and indicators."""
    root, found = parse(source(text))
    assert root is not None and not found
    for place in _places(root, shapes, contexts):
        yield from _misspelt_values(text, place, existing)
        if not place.free:
            yield from _misspelt_keys(text, place)
            yield from _moved(root.plain(), place, shapes, contexts)


def letters(word: str) -> Iterator[tuple[str, int, str]]:
    """(kind, where in the word, the misspelt word) of every slip of one letter or case."""
    for at in range(len(word)):
        if at + 1 < len(word) and word[at] != word[at + 1]:
            yield "swapped", at, word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if len(word) > 1:
            yield "dropped", at, word[:at] + word[at + 1 :]
        yield "doubled", at, word[: at + 1] + word[at:]
    for at, changed in enumerate((word.upper(), word.capitalize(), word.lower())):
        if changed != word:
            yield "in another case", at, changed


def _places(root: Node, shapes: Shapes, contexts: dict[str | None, Any]) -> Iterator[Place]:
    assert isinstance(root.value, dict)
    own = {key: node for key, node in root.value.items() if key != "profiles"}
    yield from _below(Node(own, root.span), shapes, shapes.schema, contexts[None], (), ())
    profiles = root.child("profiles")
    if profiles is not None and isinstance(profiles.value, dict):
        yield Place(("profiles",), ("profiles",), profiles, frozenset(shapes.schema["properties"]), False, (), "key")
        for name, node in profiles.value.items():
            if name in contexts:  # and not taken away by null
                yield from _below(node, shapes, shapes.schema, contexts[name], ("profiles", name), ())


def _below(node: Node, shapes: Shapes, schema: Any, context: Any, path: Path, home: Path) -> Iterator[Place]:
    """The places of a mapping's or list's children; `context` is what the resolved spec has there."""
    value: Any = node.plain()
    if isinstance(value, dict):
        value = (context if isinstance(context, dict) else {}) | value
    children = dict(shapes.children(schema, value))
    known = frozenset(shapes.properties(schema, value)) if isinstance(value, dict) else frozenset()
    pairs = node.value.items() if isinstance(node.value, dict) else [(str(i), one) for i, one in enumerate(_items(node))]
    for key, child in pairs:
        inner = context.get(key) if isinstance(context, dict) else None
        free = isinstance(node.value, dict) and key not in known
        below, here = (*path, key), (*home, "<name>" if free else key)
        options, kind = _options(shapes, children[key], child, here)
        yield Place(below, here, child, known, free, options, kind)
        yield from _below(child, shapes, children[key], inner, below, here)


def _items(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else ()


def _options(shapes: Shapes, schema: Any, node: Node, home: Path) -> tuple[tuple[str, ...], str]:
    if isinstance(node.value, dict | tuple):
        return (), ""
    name = next((part for part in reversed(home) if not part.isdecimal()), "")
    if name in FILES and str(node.value).endswith(".yaml"):
        return (str(node.value),), "file"
    if name in NAMES and home[0] != "claims":  # claims quote other people's names
        return (str(node.value),), "name"
    for part in shapes.applicable(schema, node.plain()):
        if "enum" in part or "const" in part:
            return tuple(str(one) for one in part.get("enum", [part.get("const")])), "option"
        if part.get("type") == "boolean":
            return ("true", "false"), "option"
    return (), ""


def _misspelt_keys(text: str, place: Place) -> Iterator[Slip]:
    if place.node.key is None:  # an item of a list
        return
    word = place.path[-1]
    for kind, at, wrong in letters(word):
        yield Slip(f"key {kind}", f"{'.'.join(place.path)}@{at}", partial(_replaced, text, place.node.key, wrong),
                   (f'did you mean "{word}"?',), "another key's name" if wrong in place.known else "")


def _misspelt_values(text: str, place: Place, existing: frozenset[str]) -> Iterator[Slip]:
    if not place.options:
        return
    span = place.node.span
    word = text[span.file.index(span.line, span.column) : span.file.index(span.end_line, span.end_column)]
    for kind, at, wrong in letters(word):
        valid = "another option" if wrong in place.options or place.kind == "name" and wrong in existing else ""
        if wrong.lower() == word and (place.options == ("true", "false") or place.node.value is None):
            valid = "the same in another case"  # YAML 1.2 has True and TRUE too, and Null and NULL
        elif place.kind == "file" and os.path.normpath(wrong) == os.path.normpath(word):
            valid = "the same file"
        yield Slip(f"{place.kind} {kind}", f"{'.'.join(place.path)}@{at}", partial(_replaced, text, span, wrong),
                   (word,), valid)


def _replaced(text: str, span: Span, word: str) -> tuple[str, int]:
    start, end = (span.file.index(line, column) for line, column in
                  ((span.line, span.column), (span.end_line, span.end_column)))
    return text[:start] + word + text[end:], span.line


def _moved(plain: Any, place: Place, shapes: Shapes, contexts: dict[str | None, Any]) -> Iterator[Slip]:
    """The key taken out of its mapping and put into the one around that, or into each mapping beside it."""
    if place.node.key is None:
        return
    home = tuple(filter(None, (part.strip(".") for part in re.split(r"\b\d+\b", ".".join(place.home[:-1])))))
    for kind, target in _targets(plain, place.path):
        known = place.path[-1] in _at(plain, target) or _is_known(shapes, contexts, target, place.path[-1])
        yield Slip(f"key {kind}", f"{'.'.join(place.path)} to {'.'.join(target) or 'the top level'}",
                   partial(_with_moved, plain, place.path, target), home or ("at the top level",),
                   "a key of both" if known else "")


def _with_moved(plain: Any, path: Path, target: Path) -> tuple[str, int]:
    tree = copy.deepcopy(plain)
    _at(tree, target)[path[-1]] = _at(tree, path[:-1]).pop(path[-1])
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=10**6)
    root, _ = parse(source(text))
    assert root is not None and (key := root.find((*target, path[-1]))[0].key) is not None
    return text, key.line


FREE = ("env", "flags")
"""Mappings whose keys are names of the user's own, where any key is right."""


def _targets(plain: Any, path: Path) -> Iterator[tuple[str, Path]]:
    above = path[:-1]
    while above:
        above = above[:-1]
        if isinstance(_at(plain, above), dict):
            yield "one level up", above
            break
    for sibling, value in _at(plain, path[:-1]).items():
        if isinstance(value, dict) and sibling != path[-1] and sibling not in FREE:
            yield "one level down", (*path[:-1], sibling)


def _at(plain: Any, path: Path) -> Any:
    for part in path:
        plain = plain[int(part) if isinstance(plain, list) else part]
    return plain


def _is_known(shapes: Shapes, contexts: dict[str | None, Any], target: Path, key: str) -> bool:
    """Whether the schema has the key in the mapping at a path of the file."""
    profile, home = (target[1], target[2:]) if target[:1] == ("profiles",) and len(target) > 1 else (None, target)
    schema, value = shapes.schema, contexts.get(profile)
    for part in home:
        schema = dict(shapes.children(schema, value)).get(part, {})
        if isinstance(value, list):  # an heir may have replaced it with a shorter one
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return key in shapes.properties(schema, value if isinstance(value, dict) else {})


def names(words: tuple[str, ...], said: str) -> bool:
    """Whether a message has the words, and not only as parts of others."""
    return all(re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", said) for word in words)
