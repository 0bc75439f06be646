"""A spec with all that it stands on, as one tree. In: a path, a profile, overrides, the schema whose defaults
count. Out: `Resolved`, which knows of every value what it is, where it is written and which layers spoke
about it, and the diagnostics of reading, extends, profiles, overrides and references. Applied in this order,
the later over the earlier: defaults, bases, the spec, the profile, overrides; then `${…}`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..contract.record import dataclass
from ..diagnostics import Diagnostic, Note, ordered, quote
from ..source import Node, SourceFile, Span
from .defaults import defaults
from .extends import Chain, described
from .interpolate import interpolate, refers
from .merge import Layer, fill, merge
from .nulls import without_nulls
from .overrides import misfit, read_overrides
from .remarks import KEY, gathered, standing
from .shapes import JsonSchema, Shapes

MAX_ROUNDS = 4  # of defaults that hang on references to defaults
Key = str | Sequence[str]  # "eval.compare.0.spec", or its parts where a key itself holds a dot


class Origin(NamedTuple):
    """What one layer says about a key; null where it deletes it, or replaces what is around it by something
    else."""

    layer: Layer
    value: object
    span: Span


@dataclass(frozen=True)
class Resolved:
    """A spec in full. `complete` is False when some of it could not be read: nothing is then said to be
    missing."""

    spec: SourceFile
    workspace: Path
    profile: str | None
    tree: Node
    stack: tuple[Layer, ...]
    files: tuple[SourceFile, ...]  # the spec and its bases, as read
    profiles: tuple[str, ...]
    complete: bool

    def plain(self) -> dict[str, Any]:
        """The whole tree without places; to be read only, since all who ask get the same one."""
        return self._plain

    @cached_property
    def _plain(self) -> dict[str, Any]:
        plain = self.tree.plain()
        assert isinstance(plain, dict)
        return plain

    def node(self, key: Key) -> Node | None:
        node, depth = self.tree.find(path := parts(key))
        return node if depth == len(path) else None

    def value(self, key: Key) -> Any:
        """A plain value, None where there is none."""
        node = self.node(key)
        return node.plain() if node else None

    def span(self, key: Key) -> Span:
        """Where a value is written; for an absent key and for a default, the place of the nearest thing
        around it."""
        return self.tree.find(parts(key))[0].place

    def layers(self, key: Key) -> list[Origin]:
        """What each layer says about a key, the lowest first; the last one counts. Of what is in a list, layers below
        the one that states the list say nothing: it replaces theirs as a whole. Notes are gathered: of one of them, the layer
        speaks that it is of."""
        path, stack = parts(key), self.stack
        if path[:1] == (KEY,) and len(path) > 1 and (note := self.node(path[:2])) is not None:
            stack, index = self._of_note(note)
            path = (KEY, index, *path[2:])
        found: list[Origin] = []
        for layer in stack:
            node, depth = layer.tree.find(path)
            if any(isinstance(layer.tree.find(path[:end])[0].value, tuple) for end in range(len(path))):
                found = [one for one in found if one.layer.kind == "default"]  # those of the items that there are
            if depth == len(path):
                found.append(Origin(layer, node.plain(), node.place))
            elif found and not isinstance(node.value, dict | tuple):  # a null, or a value in the whole mapping's place
                found.append(Origin(layer, None, node.place))
        return found

    def _of_note(self, note: Node) -> tuple[tuple[Layer, ...], str]:
        """The layer that states one of the gathered notes, and its index there."""
        for layer in self.stack:
            own = layer.tree.child(KEY)
            for index, one in enumerate(own.value if own is not None and isinstance(own.value, tuple) else ()):
                if one.span == note.span:
                    return (layer,), str(index)
        return self.stack, "0"

    def states(self, key: Key) -> bool:
        """Whether this spec says itself, in the profile at hand if there is one, what stands at a key: no base
        file does, and under a profile not the spec at its full size."""
        said = self.layers(key)
        layer = said[-1].layer if said else None
        kinds = ("override", "profile" if self.profile else "file")
        return layer is not None and layer.by is None and layer.kind in kinds

    def source(self, key: Key) -> Origin | None:
        """What the value at a key was taken from; None where there is no value."""
        node, said = self.node(key), self.layers(key)
        return next((one for one in reversed(said) if node is not None and one.span == node.place), None)

    def origins(self, key: Key) -> tuple[Note, ...]:
        """Notes on how the value at a key came into this spec; none if the spec itself states it."""
        said = self.layers(key)
        if not said:
            return ()
        layer = said[-1].layer
        if layer.kind == "default":
            return (Note(f"{'.'.join(parts(key))} is not set; this is its default"),)
        notes = [Note(f"from {layer.name}")] if layer.kind == "profile" else []
        return (*self._filled_in(key, said[-1]), *notes, *self._heirs(layer))

    def _filled_in(self, key: Key, said: Origin) -> Iterator[Note]:
        node = self.node(key)
        if isinstance(said.value, str) and "${" in said.value and node is not None and node.value != said.value:
            yield Note(f"{quote(said.value)} stands for {described(node)}")

    def _heirs(self, layer: Layer) -> Iterator[Note]:
        """The `extends` entries that lead from the spec to a layer, the one nearest to the layer first."""
        by = {one.name: one.by for one in self.stack if one.kind == "file"}
        place, seen = layer.by, set[str]()
        while place is not None and place.file.display not in seen:
            seen.add(place.file.display)
            yield Note("inherited by", place)
            place = by.get(place.file.display)

    def note(self, key: Key) -> Note:
        """A second place for a diagnostic: what this key is, where, and why if the spec itself does not say
        it."""
        name, node, said = ".".join(parts(key)), self.node(key), self.layers(key)
        if node is None:
            return Note(f"{name} is not set")
        layer = said[-1].layer if said else None
        if layer is not None and layer.kind == "default":
            return Note(f"{name} is {described(node)} by default")
        source = f" (from {layer.name})" if layer is not None and layer.kind == "profile" else ""
        return Note(f"{name} is {described(node)}{source} at", node.place)

    def diagnostic(
        self, code: str, message: str, key: Key, help: str | None = None, also: Iterable[Key] = ()
    ) -> Diagnostic:
        """A finding at a key, with the notes that say where its value comes from and what other keys have to
        do with it."""
        also = tuple(also)
        notes = (*(self.note(other) for other in also), *self.origins(key))
        keys = tuple(".".join(parts(one)) for one in (key, *also))
        return Diagnostic(code, message, self.span(key), help, notes, keys)


def parts(key: Key) -> tuple[str, ...]:
    return tuple(key.split(".")) if isinstance(key, str) and key else tuple(key)


def resolve(
    path: Path,
    *,
    workspace: Path,
    profile: str | None = None,
    overrides: Sequence[str] = (),
    schema: JsonSchema | Shapes | None = None,
) -> tuple[Resolved | None, list[Diagnostic]]:
    """The spec at a path. None only if nothing of it could be read; with errors it may be validated, never
    lowered."""
    shapes = schema if isinstance(schema, Shapes) or schema is None else Shapes(schema)
    chain = Chain(workspace)
    chain.read(path)
    own = [layer for layer in chain.layers if layer.by is None]
    profiled = chain.profile(profile) if profile is not None and own else []
    if shapes is not None:
        chain.check_names(shapes.schema)
    forced, found = read_overrides(overrides)
    found = chain.found + found
    if not own:
        return None, ordered(found)
    tree, stack, problems = _stacked([*chain.layers, *profiled, *forced])
    complete = chain.complete and not any(layer.tree.broken for layer in stack)
    tree = without_nulls(tree, shapes)
    bottom, tree, more = _filled(tree, shapes, complete)
    if bottom is not None:
        stack = [bottom, *stack]
    resolved = Resolved(
        spec=next(file for file in chain.files if file.display == own[0].name),
        workspace=workspace,
        profile=profile if profiled else None,
        tree=tree,
        stack=tuple(stack),
        files=tuple(chain.files),
        profiles=chain.names(),
        complete=complete,
    )
    return resolved, ordered(found + problems + more)


def _filled(tree: Node, shapes: Shapes | None, complete: bool) -> tuple[Layer | None, Node, list[Diagnostic]]:
    """The defaults, the tree with them and with its references replaced. Which defaults there are may hang on what a reference
    stands for (`model.family`), and a reference may name a default: both again, until nothing is added."""
    if shapes is None:
        return None, *interpolate(tree, complete=complete)
    bottom, rounds = defaults(shapes, tree), MAX_ROUNDS if refers(tree) else 1
    for _ in range(rounds):
        whole, found = interpolate(fill(tree, bottom), complete=complete)
        if rounds == 1 or (more := defaults(shapes, whole)).plain() == bottom.plain():
            break
        bottom = more
    return Layer("default", "default", bottom), whole, found


def _stacked(layers: Sequence[Layer]) -> tuple[Node, list[Layer], list[Diagnostic]]:
    """All layers merged, those that took part, and why an override did not."""
    stack, found = [layer for layer in layers if layer.kind != "override"], []
    tree = stack[0].tree
    for layer in stack[1:]:
        tree = merge(tree, layer.tree, layer.kind)
    tree = gathered(tree, [layer.tree for layer in stack])
    for layer in layers[len(stack):]:
        if (problem := misfit(tree, layer)) is not None:
            found.append(problem)
            continue
        tree = standing(merge(tree, layer.tree, layer.kind), layer.tree)
        stack.append(layer)
    return replace(tree, key=None), stack, found
