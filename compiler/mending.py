"""What else is wrong with a spec that has mistakes. In: a resolved spec and its errors. Out: the spec with stand-ins in their
places, so that lowering and the checks can read the rest of it, and which of their findings hold all the same.

A mistake's value is replaced by what a lower layer, a default or an example says; an item of a list is left out. What could
not be read at all is stood in for by `unread`. No finding that hangs on a replaced value, or on one that may have been given
where nobody could read it, counts; nothing is ever built from a mended spec.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .diagnostics import BEYOND, MAX_FOUND, Diagnostic, Severity
from .examples import examples
from .frontend.defaults import defaults, located
from .frontend.keys import schema_at
from .frontend.merge import Layer, fill, is_null
from .frontend.resolve import Resolved, parts
from .frontend.schema import validate
from .frontend.shapes import Shapes
from .hangs_on import besides
from .source import Node, Span
from .unread import completed, is_certain

Path = tuple[str, ...]
Place = tuple[Path, Span]
ROUNDS = 12
ITEMS = ("expect", "milestones", "guards", "notes", "acknowledge", "eval.compare", "claims.machines", "claims.losses",
         "claims.scores")
"""Lists each of whose items stands for itself."""
WHOLE = ("scenarios", "claims", "series", "resume", "report", "watch")
"""Sections that mean something as a whole, and that a spec may do without."""


class Hopeless(Exception):
    """A mistake that leaves nothing to go on with."""


@dataclass
class Mending:
    """One spec and what was put into it so far; paths are those of the spec as it stands."""

    resolved: Resolved
    shapes: Shapes
    touched: set[Path] = field(default_factory=set)
    _above: set[Path] = field(default_factory=set)  # what is around the touched
    _given: Resolved | None = None  # the spec as it could be read, where that is not all of it
    _begun: bool = False
    _values: dict[Path, Node | None] = field(default_factory=dict)  # None: taken out
    _left_out: set[Path] = field(default_factory=set)
    _tried: Counter[Path] = field(default_factory=Counter)
    _taken: set[Path] = field(default_factory=set)  # in this round

    def mend(self, found: Iterable[Diagnostic]) -> Resolved | None:
        """The spec without these mistakes too; None where nothing can stand in for them."""
        found = list(found)
        try:
            if any(map(_is_beyond, found)):
                return None
            self._begin(found)
            for _ in range(ROUNDS):
                self._taken.clear()
                for one in found:
                    self._take(one)
                mended = self._made()
                if self.shapes.matches(self.shapes.schema, mended.plain()):
                    return mended
                found = validate(mended, self.shapes)
                if not found or any(map(_is_beyond, found)):
                    return None
        except Hopeless:
            pass
        return None

    def holds(self, one: Diagnostic) -> bool:
        """Whether a finding about the mended spec is true of the spec itself."""
        if not one.keys or one.severity is not Severity.ERROR and not self._warns(one):
            return False
        own = [*map(self._original, one.keys)]
        return not any(map(self._doubtful, (*filter(None, own), *map(parts, besides(one, own[0])))))

    def _warns(self, one: Diagnostic) -> bool:
        """Whether it is known of a warning that nobody acknowledges it, and that it speaks of no warning that is missing."""
        return one.code != "W391" and not self._doubtful(("acknowledge",))

    def _doubtful(self, path: Path) -> bool:
        """Whether a key leads to what was replaced or through it, or may have been given where nobody could read it."""
        through = any(path[:depth] in self.touched for depth in range(len(path) + 1))
        return path in self._above or through or self._given is not None and not is_certain(self._given, path)

    def told(self, one: Diagnostic) -> Diagnostic:
        """A finding about the mended spec, in the keys of the spec itself."""
        own = {key: ".".join(self._original(key)) for key in one.keys}
        names = "|".join(map(re.escape, sorted(filter(None, own), key=len, reverse=True)))
        message = re.sub(rf"(?<![\w.])({names})(?!\.?\w)", lambda found: own[found[0]], one.message) if names else one.message
        return replace(one, keys=tuple(own.values()), message=message)

    def _begin(self, found: list[Diagnostic]) -> None:
        if self._begun:
            return
        self._begun = True
        placeless = (one for one in found if _counts(one) and not one.keys and not self._at(one.span))
        if not self.resolved.complete or any(placeless):  # of what stands there, the tree holds nothing
            self._given = self.resolved
            if (whole := completed(self.resolved, self.shapes)) is None:
                raise Hopeless
            self.resolved = whole
        broken = [path for path, node in _nodes(self.resolved.tree, ())
                  if node.broken and not isinstance(node.value, dict | tuple)]
        if len(broken) > MAX_FOUND:
            raise Hopeless
        for path in broken:
            self._stand_in(path)

    def _take(self, one: Diagnostic) -> None:
        """One mistake out of the way."""
        if not _counts(one):
            return
        if not one.keys:
            if path := self._at(one.span):
                self._stand_in(path)
        elif one.code == "E102":
            self._unknown(*map(self._original, one.keys))
        elif one.code == "E417":  # two lengths, or none
            self._touch(("epochs",), None)
            self._stand_in(("steps",))
        else:
            for key in one.keys if one.code == "E103" else one.keys[:1]:
                self._stand_in(self._original(key))

    def _mark(self, path: Path) -> None:
        """Of this key, the mended spec says nothing of the spec itself."""
        self.touched.add(path)
        self._above.update(path[:depth] for depth in range(len(path)))

    def _at(self, span: Span | None) -> Path:
        """The path of the innermost value around a place; () where that is the whole spec, or nothing is."""
        lines, long = self._places
        near = [*lines.get((span.file.display, span.line), ()), *long] if span is not None else []
        found = (path for path, place in near if span is not None and _covers(place, span))
        return max(found, key=len, default=())

    @cached_property
    def _places(self) -> tuple[dict[tuple[str, int], list[Place]], list[Place]]:
        """Where values and their keys stand: those on one line by file and line, and those that take several."""
        lines: dict[tuple[str, int], list[Place]] = {}
        long: list[Place] = []
        for path, node in _nodes(self.resolved.tree, ()):
            for place in (node.span, node.key):
                if place is not None:
                    one_line = lines.setdefault((place.file.display, place.line), [])
                    (one_line if place.line == place.end_line else long).append((path, place))
        return lines, long

    def _unknown(self, path: Path, meant: Path | None = None) -> None:
        """A key that nobody knows goes; a near one that is not there gets its value."""
        if self._item(path):
            return
        node = self.resolved.node(path)
        self._touch(path, None)
        if meant is not None:
            source = self.resolved.source(meant)
            self._mark(meant)
            if (source is None or source.layer.kind == "default") and meant not in self._values:
                self._values[meant] = node

    def _stand_in(self, path: Path) -> None:
        """Another value where one is wrong or missing; for the whole around it, where no value helps."""
        if not path:
            raise Hopeless
        if self._item(path):
            return
        if path in self._taken:
            return
        self._taken.add(path)
        if path[0] in WHOLE:
            self._touch(path[:1], None)
            return
        options, tried = list(self._options(path)), self._tried[path]
        self._tried[path] += 1
        if tried < len(options):
            self._touch(path, options[tried])
        else:
            self._stand_in(path[:-1])

    def _touch(self, path: Path, node: Node | None) -> None:
        if not path:  # also what a key without a letter leads to
            raise Hopeless
        self._mark(path)
        self._values = {other: one for other, one in self._values.items() if other[: len(path)] != path} | {path: node}

    def _item(self, path: Path) -> bool:
        """Leaves out the item of a list that a path leads into."""
        for depth in (1, 2):
            if ".".join(path[:depth]) in ITEMS and len(path) > depth and path[depth].isdecimal():
                self._mark(path[: depth + 1])
                self._left_out.add(path[: depth + 1])
                return True
        return False

    def _options(self, path: Path) -> Iterator[Node | None]:
        for origin in reversed(self.resolved.layers(path)[:-1]):
            node, depth = origin.layer.tree.find(path)
            if depth == len(path) and not is_null(node):
                yield node
        if self.resolved.node(path) is not None:
            yield None
        schema = schema_at(self.shapes, self.resolved.plain(), path)
        for value in examples(self.shapes, schema):
            yield located(value, self.resolved.span(path))

    def _made(self) -> Resolved:
        tree, stack = self.resolved.tree, self.resolved.stack
        for path in sorted(self._values, key=len):
            tree = _with(tree, path, self._values[path])
        for path in sorted(self._left_out, key=lambda path: (path[:-1], -int(path[-1]))):
            listed = tree.find(path[:-1])[0]
            stack = tuple(_layer_without(layer, path, listed) for layer in stack)
            tree = _with(tree, path, None)
        bottom = defaults(self.shapes, tree)
        return replace(self.resolved, tree=fill(tree, bottom), stack=stack)

    def _original(self, key: str) -> Path:
        """A key of the mended spec as a path of the spec itself: items that were left out are counted again."""
        path = list(parts(key))
        for depth in range(1, len(path)):
            if path[depth].isdecimal():
                gone = {int(one[-1]) for one in self._left_out if one[:-1] == tuple(path[:depth])}
                kept = (index for index in range(int(path[depth]) + len(gone) + 1) if index not in gone)
                path[depth] = str([*kept][int(path[depth])])
        return tuple(path)


def _is_beyond(one: Diagnostic) -> bool:
    """Whether a finding says that there are too many to look at all of them."""
    return one.code == BEYOND and not one.keys


def _counts(one: Diagnostic) -> bool:
    """Whether a finding is a mistake in the tree, which holds no profiles."""
    return one.severity is Severity.ERROR and one.code != "E204"


def _nodes(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    yield path, node
    inner = node.value.items() if isinstance(node.value, dict) else (
        ((str(i), one) for i, one in enumerate(node.value)) if isinstance(node.value, tuple) else ())
    for name, child in inner:
        yield from _nodes(child, (*path, name))


def _covers(place: Span, span: Span) -> bool:
    return (place.file.display == span.file.display
            and (place.line, place.column) <= (span.line, span.column)
            and (span.end_line, span.end_column) <= (place.end_line, place.end_column))


def _with(node: Node, path: Sequence[str], value: Node | None) -> Node:
    """A tree with another value at a path, or without one."""
    name, rest = path[0], path[1:]
    child = node.child(name)
    if value is None and child is None:
        return node
    new = value if not rest else _with(child or Node({}, node.span), rest, value)
    if isinstance(node.value, tuple):
        items = [new if str(i) == name else one for i, one in enumerate(node.value)]
        return replace(node, value=tuple(one for one in items if one is not None), broken=False)
    held = dict(node.value) if isinstance(node.value, dict) else {}
    held.pop(name, None)
    return replace(node, value=held if new is None else held | {name: new}, broken=False)


def _layer_without(layer: Layer, path: Path, listed: Node) -> Layer:
    """A layer without an item of the list that stands in the tree, if it is its own."""
    own, depth = layer.tree.find(path[:-1])
    is_own = depth == len(path) - 1 and isinstance(own.value, tuple) and own.span == listed.span and path[0] != "notes"
    return replace(layer, tree=_with(layer.tree, path, None)) if is_own else layer
