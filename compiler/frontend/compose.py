"""PyYAML's events into nodes. In: one document's text. Out: its located tree, and diagnostics of its form:
duplicate keys, tags, merge keys, anchors, numbers out of range, and the limits that keep a small file from
filling the memory. Nothing is ever constructed from a tag. YAML syntax errors are raised on to `parse`, which
reads on after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from ..diagnostics import MAX_FOUND, Diagnostic, Note, quote, too_many
from ..source import Node, SourceFile, Span
from .scalars import NumberError, Scalar, scalar

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
MAX_DEPTH = 50
MAX_NODES = 20_000
CORE = "tag:yaml.org,2002:"


class Stop(Exception):
    """A limit was met and reported; the rest of the text is not worth reading."""


class Composer:
    """Builds one document's tree from events, counting what aliases would expand to."""

    def __init__(self, file: SourceFile, text: str, damaged: bool = False) -> None:
        self.file = file
        self.damaged = damaged  # invisible characters were reported, and stand in the text as U+FFFD
        self.events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=LOADER))
        self.found: list[Diagnostic] = []
        self.anchors: dict[
            str, tuple[Node, int] | None
        ] = {}  # node and its size; None while it is still open
        self.count = 0
        self.path: list[str] = []
        self.quoted: Span | None = None

    def document(self) -> Node | None:
        root = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    place = self.file.span(event.start_mark.index, event.end_mark.index)
                    self.report("E025", "a second document begins here", place, "one file holds one spec")
                    return root
                root = self.node(next(self.events))
        if root is None or root.value is None and not root.broken:
            self.report(
                "E005", "the file is empty", self.file.span(0, 0), "a spec is a mapping of keys to values"
            )
            return None
        return root

    def report(self, code: str, message: str, span: Span, help_: str | None = None, *notes: Note) -> None:
        self.found.append(Diagnostic(code, message, span, help_, notes))
        if len(self.found) == MAX_FOUND:
            self.found.append(too_many("one file", span))
            raise Stop

    def span(self, event: yaml.Event) -> Span:
        return self.file.span(event.start_mark.index, event.end_mark.index)

    def node(self, event: yaml.Event) -> Node:
        """One value with all that is in it."""
        before = self.count
        self.charge(1, event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            made = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            made = self.sequence(event)
        else:
            made = self.mapping(event)
        if event.anchor:
            self.anchors[event.anchor] = made, self.count - before
        return made

    def charge(self, nodes: int, event: yaml.Event, height: int = 0) -> None:
        self.count += nodes
        if self.count > MAX_NODES:
            message = f"more than {MAX_NODES:,} values, aliases counted in full"
            self.report(
                "E024",
                message,
                self.span(event),
                "no spec needs as many; split the file or write fewer aliases",
            )
            raise Stop
        if len(self.path) + height > MAX_DEPTH:
            self.report("E024", f"values are nested more than {MAX_DEPTH} deep", self.span(event))
            raise Stop

    def alias(self, event: yaml.AliasEvent) -> Node:
        place, name = self.span(event), quote(event.anchor)
        if event.anchor not in self.anchors:
            self.report("E023", f"no anchor is named {name}", place,
                        'put text that begins with "*" in quotes')  # fmt: skip
            return Node(None, place, broken=True)
        known = self.anchors[event.anchor]
        if known is None:
            self.report(
                "E023", f"the alias {name} stands inside its own anchor, so it would never end", place
            )
            return Node(None, place, broken=True)
        target, size = known
        self.charge(size - 1, event, _height(target))
        return target

    def scalar(self, event: yaml.ScalarEvent) -> Node:
        place = self.span(event)
        plain = not event.style
        if event.style in ("'", '"'):
            self.quoted = place
        try:
            value, known = _tagged(event.tag, event.value, plain)
        except NumberError as error:
            self.report("E027", f"{quote(event.value)} {error}", place)
            return Node(None, place, broken=True)
        if not known:
            return self.unknown_tag(event, Node(value, place))
        return Node(value, place, broken=self.damaged and "\ufffd" in event.value)

    def unknown_tag(self, event: yaml.NodeEvent, node: Node) -> Node:
        tag = event.tag.replace(CORE, "!!") if event.tag else "!"
        help_ = 'remove it; put text that begins with "!" in quotes'
        self.report("E022", f"the tag {quote(tag)} is not known here", node.span, help_)
        return replace(node, broken=True)

    def sequence(self, event: yaml.SequenceStartEvent) -> Node:
        items: list[Node] = []
        while not isinstance(one := next(self.events), yaml.SequenceEndEvent):
            self.path.append(str(len(items)))
            items.append(self.node(one))
            self.path.pop()
        return self.collection(event, one, tuple(items), items[-1] if items else None, "seq")

    def mapping(self, event: yaml.MappingStartEvent) -> Node:
        children: dict[str, Node] = {}
        last, merged = None, False
        while not isinstance(one := next(self.events), yaml.MappingEndEvent):
            name, place = self.key(one)
            self.path.append(name or "?")
            last = value = self.node(next(self.events))
            self.path.pop()
            if name == "<<" and place:
                help_ = "write the keys out, or take them from another file with extends"
                self.report("E021", 'merge keys ("<<") are not part of YAML 1.2', place, help_)
                merged = True
            elif name is not None and place:
                self.enter(children, name, replace(value, key=place))
        made = self.collection(event, one, children, last, "map")
        return replace(made, broken=True) if merged else made

    def collection(
        self,
        event: yaml.CollectionStartEvent,
        end: yaml.Event,
        value: dict[str, Node] | tuple[Node, ...],
        last: Node | None,
        kind: str,
    ) -> Node:
        """A block collection ends with its last value: its own end mark lies behind blank lines and
        comments."""
        place = self.file.span(event.start_mark.index, end.end_mark.index)
        if (
            last is not None
            and not event.flow_style
            and (last.span.line, last.span.column) >= (place.line, place.column)
        ):
            place = replace(place, end_line=last.span.end_line, end_column=last.span.end_column)
        node = Node(value, place)
        return node if event.tag in (None, CORE + kind) else self.unknown_tag(event, node)

    def key(self, event: yaml.Event) -> tuple[str | None, Span | None]:
        """A key's text, as it is written: `no` and `1` are good names. None if it is not text (reported)."""
        if isinstance(event, yaml.ScalarEvent) and (event.value or event.style):
            if event.anchor or event.tag:
                self.node(event)
            return event.value, self.span(event)
        if not isinstance(event, yaml.ScalarEvent):
            self.path.append("?")
            self.node(event)
            self.path.pop()
        self.report("E026", "a key must be a word", self.span(event), "write key: value")
        return None, None

    def enter(self, children: dict[str, Node], name: str, node: Node) -> None:
        first = children.get(name)
        if first is None:
            children[name] = node
            return
        assert first.key is not None and node.key is not None
        note = Note("first written at", first.key)
        here = f" in {'.'.join(self.path)}" if self.path else ""
        self.report(
            "E020", f"the key {quote(name)} stands twice{here}", node.key, "keep one of the two", note
        )
        if isinstance(first.value, dict) and isinstance(node.value, dict):  # read on with both halves
            children[name] = replace(first, value={**first.value, **node.value})


def _tagged(tag: str | None, text: str, plain: bool) -> tuple[Scalar, bool]:
    """A scalar's value, and whether its tag is one of the core schema's that fits it."""
    if tag is None:
        return (scalar(text) if plain else text), True
    if tag in ("!", CORE + "str"):
        return text, True
    value = scalar(text)
    kinds: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
    kind = kinds.get(tag.removeprefix(CORE)) if tag.startswith(CORE) else None
    return value, kind is not None and isinstance(value, kind) and (
        kind is bool or not isinstance(value, bool)
    )


def _height(node: Node) -> int:
    below = (
        node.value.values()
        if isinstance(node.value, dict)
        else node.value
        if isinstance(node.value, tuple)
        else ()
    )
    return 1 + max((_height(one) for one in below), default=0)
