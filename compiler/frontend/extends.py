"""A spec's files and profiles as layers. In: the spec's path. Out: the layers of its bases, of the spec
itself and of the chosen profile, in the order in which they apply; each base once, before everything that
extends it. Diagnoses missing bases (with the near names), circles, bases outside the workspace, and profiles
that nobody has."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic, listing, nearest, quote
from ..source import Node, SourceFile, Span
from .merge import Layer, is_null, merge, without
from .parse import parse
from .reading import load, outside

RESERVED = ("extends", "profiles")
PROFILE = "[a-z][a-z0-9_]{0,39}"
MAX_CHAIN = 20
MAX_BASES = 100
MAX_PROFILES = 100


@dataclass
class Chain:
    """What was read on the way from a spec to its bases. `complete` is False when a base could not be
    read."""

    workspace: Path
    files: list[SourceFile] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    profiles: list[Layer] = field(default_factory=list)  # the `profiles` section of each file
    found: list[Diagnostic] = field(default_factory=list)
    complete: bool = True
    _open: list[tuple[Path, str]] = field(default_factory=list)
    _done: set[Path] = field(default_factory=set)

    def read(self, path: Path, by: Span | None = None) -> None:
        """Adds a file's layers, those of its bases first."""
        path = Path(os.path.abspath(path))
        if path in self._done or self._circle(path, by):
            return
        file, found = load(path, self.workspace, span=by, code="E201" if by else "E001")
        self.found += found
        root = self._root(file) if file else None
        if file is None or root is None:
            self.complete = False
            return
        self.files.append(file)
        self._open.append((path, file.display))
        self._bases(root, path)
        self._open.pop()
        self._done.add(path)
        self.layers.append(Layer(file.display, "file", without(root, RESERVED), by))
        self._section(root, file, by)

    def _root(self, file: SourceFile) -> Node | None:
        root, found = _parsed(file, file.text)
        self.found += found
        if root is None or isinstance(root.value, dict):
            return root
        if not root.broken:
            message = f"a spec is a mapping of keys to values, not {described(root)}"
            self.found.append(Diagnostic("E006", message, _begin(root.span), "write key: value"))
        return None

    def _circle(self, path: Path, by: Span | None) -> bool:
        names = [name for _, name in self._open]
        paths = [one for one, _ in self._open]
        if path in paths:
            around = " → ".join([*names[paths.index(path) :], names[paths.index(path)]])
            self.found.append(
                Diagnostic("E202", f"extends goes in a circle: {around}", by, "take one of them out")
            )
        elif len(paths) >= MAX_CHAIN:
            message = f"extends is more than {MAX_CHAIN} files deep: {' → '.join(names[:3])} → …"
            self.found.append(Diagnostic("E203", message, by))
        else:
            return False
        self.complete = False
        return True

    def _bases(self, root: Node, path: Path) -> None:
        entry = root.child("extends")
        if entry is None or entry.value is None:
            self.complete = self.complete and not (entry and entry.broken)
            return
        items = entry.value if isinstance(entry.value, tuple) else (entry,)
        if not items:
            self._refuse(Diagnostic("E203", "extends is empty", entry.place, "name a file, or take the key out"))
        if len(items) > MAX_BASES:
            self._refuse(Diagnostic("E203", f"extends names more than {MAX_BASES} files", entry.span))
            return
        for i, one in enumerate(items):
            if not isinstance(one.value, str) or not one.value.strip():
                help_ = "write a path relative to this file, or a list of them"
                message = f"extends must name files, not {described(one)}"
                self._refuse(Diagnostic("E203", message, one.span, help_))
            elif (foreign := outside(one.value, base := path.parent / one.value, self.workspace)) is not None:
                self._refuse(Diagnostic("E203", f"extends {foreign[0]}", one.span, foreign[1]))
            elif any(one.value == before.value for before in items[:i]):
                self._refuse(Diagnostic("E203", f"extends names {quote(one.value)} twice", one.span, "keep one of them"))
            else:
                self.read(base, one.span)

    def _refuse(self, diagnostic: Diagnostic) -> None:
        self.found.append(diagnostic)
        self.complete = False

    def _section(self, root: Node, file: SourceFile, by: Span | None) -> None:
        section = root.child("profiles")
        if section is None or section.value is None:
            return
        if not isinstance(section.value, dict):
            message = f"profiles must map names to overlays, not {described(section)}"
            help_ = "write profiles:, below it a name such as smoke:, and below that the keys that differ"
            self.found.append(Diagnostic("E204", message, section.place, help_))
            return
        if len(section.value) > MAX_PROFILES:
            self.found.append(Diagnostic("E204", f"there are more than {MAX_PROFILES} profiles", section.place))
            return
        kept = {name: self._overlay(name, node) for name, node in section.value.items() if self._is_name(name, node)}
        self.profiles.append(Layer(file.display, "profile", replace(section, value=kept), by))

    def _is_name(self, name: str, node: Node) -> bool:
        """Whether a profile may be called so: folders and files are."""
        if re.fullmatch(PROFILE, name):
            return True
        help_ = "write at most 40 lower-case letters, digits and underscores, beginning with a letter"
        self.found.append(Diagnostic("E204", f"{quote(name)} cannot be the name of a profile", node.key, help_))
        return False

    def _overlay(self, name: str, node: Node) -> Node:
        if node.value is None:
            return node
        if not isinstance(node.value, dict):
            message = (
                f"profile {quote(name)} must be a mapping of the keys that differ, not {described(node)}"
            )
            self.found.append(Diagnostic("E204", message, node.place))
            return replace(node, value=None, broken=True)
        for key in RESERVED:
            if (child := node.value.get(key)) is not None:
                help_ = f"move {key} to the top level of the file"
                self.found.append(Diagnostic("E204", f"a profile cannot hold {key}", child.key, help_))
        return without(node, RESERVED)

    def check_names(self, schema: Mapping[str, Any]) -> None:
        """Reports profiles that are called like a section, and so were most likely meant to be one, or that have
        no proper name; profiles are gone from the tree that the schema is held against."""
        sections = schema.get("properties", {})
        rule = sections.get("profiles", {}).get("propertyNames", {})
        for layer in self.profiles:
            assert isinstance(layer.tree.value, dict)
            for name, node in layer.tree.value.items():
                help_ = None
                if name in sections:
                    help_ = f"{name} belongs at the top level, or under the name of a profile"
                elif not re.search(rule.get("pattern", ""), name):
                    help_ = f"write {rule.get('x-expected', 'another name')}"
                if help_ is not None:
                    self.found.append(Diagnostic("E204", f"{quote(name)} cannot be the name of a profile", node.key, help_))

    def names(self) -> tuple[str, ...]:
        """The profiles that exist, in the order in which they are met, bases first; null takes one away."""
        merged = None
        for layer in self.profiles:
            merged = merge(merged, layer.tree) if merged is not None else layer.tree
        if merged is None or not isinstance(merged.value, dict):
            return ()
        return tuple(name for name, node in merged.value.items() if not is_null(node))

    def profile(self, name: str) -> list[Layer]:
        """The overlays of one profile, lowest first."""
        if name not in self.names():
            if self.complete:
                self.found.append(self._unknown(name))
            return []
        overlays: list[Layer] = []
        for layer in self.profiles:
            node = layer.tree.child(name)
            if node is not None and is_null(node):
                overlays = []
            elif node is not None and isinstance(node.value, dict):
                overlays.append(Layer(f"profile {name}", "profile", node, layer.by))
        return overlays

    def _unknown(self, name: str) -> Diagnostic:
        near = nearest(name, self.names())
        place = self.profiles[-1].tree.key if self.profiles else self.files[0].span(0, 0)
        known = f"its profiles are: {listing(self.names())}" if self.names() else "it has none"
        spec = self.files[0].display
        return Diagnostic("E205", f"{spec} has no profile {quote(name)}", place,
                          f"did you mean {quote(near)}?" if near else known)  # fmt: skip


@lru_cache(maxsize=64)
def _parsed(file: SourceFile, text: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The tree of a file. The specs of a series share their bases, so the last trees are kept, by path and text."""
    root, found = parse(file)
    return root, tuple(found)


def described(node: Node) -> str:
    """A value for a message: what kind it is, and which one where that is short."""
    value = node.value
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | tuple):
        kind = "mapping" if isinstance(value, dict) else "list"
        return f"a {kind}" if value else f"an empty {kind}"
    return f"the text {quote(value)}" if isinstance(value, str) else f"the number {value}"


def _begin(span: Span) -> Span:
    return replace(span, end_line=span.line, end_column=span.column + 1)
