"""The closed vocabulary of specs. In: a resolved spec and a plain JSON Schema (draft 2020-12). Out: its
violations as diagnostics with places, near names and what was expected. `jsonschema` gives the verdicts;
nothing of its own words reaches a user. A schema may carry `x-expected` ("a quantity such as 6GB") and
`x-help` (the next step)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

from ..diagnostics import MAX_FOUND, Diagnostic, Note, listing, nearest, ordered, quote, too_many
from .meant import Meant
from .merge import is_null
from .resolve import Resolved
from .schema_values import VALUES, expected_instead, name_of, one_of
from .schema_words import SOMETHING
from .shapes import NEVER, JsonSchema, Path, Shapes
from .strays import strays

MISSING = "E103"
MANY = 3  # more missing keys of one mapping than this are said together


def validate(resolved: Resolved, schema: JsonSchema | Shapes) -> list[Diagnostic]:
    """All violations, ordered. Of what was reported before (broken values, bases not read) nothing is said
    again."""
    check, plain = _Check(resolved, schema if isinstance(schema, Shapes) else Shapes(schema)), resolved.plain()
    if resolved.complete and check.shapes.verdicts.holds(check.shapes.schema, plain):
        return []
    for error in check.shapes.validator.iter_errors(plain):
        if check.full:
            break
        check.explain(error)
    if check.found or check.missing or not resolved.complete:
        check.strays(plain)
    found = ordered([*check.found, *check.lackings()])
    return [*found, too_many("one spec", found[-1].span if found else None)] if check.full else found


class _Check:
    def __init__(self, resolved: Resolved, shapes: Shapes) -> None:
        self.resolved = resolved
        self.shapes = shapes
        self.found: list[Diagnostic] = []
        self.meant: set[Path] = set()  # the keys that misspelt ones were meant to be
        self.missing: dict[Path, Diagnostic] = {}

    @cached_property
    def vocabulary(self) -> Meant:
        return Meant(self.shapes, self.resolved.plain())

    @property
    def full(self) -> bool:
        """Whether no more is to be said."""
        return len(self.found) + len(self.missing) > MAX_FOUND

    def add(self, code: str, message: str, path: Path, help_: str | None = None) -> None:
        self.found.append(self.resolved.diagnostic(code, message, path, help_))

    def lackings(self) -> Iterator[Diagnostic]:
        """What is missing, less what a misspelt key was meant to be; many missing keys of one mapping as one."""
        by_mapping: dict[Path, dict[str, Diagnostic]] = {}
        for path, found in self.missing.items():
            if path not in self.meant:
                by_mapping.setdefault(path[:-1], {})[path[-1]] = found
        for parent, each in by_mapping.items():
            plain = [key for key, found in each.items() if not found.notes and found.help]
            if len(plain) > MANY:
                message = f"{name_of(parent)} needs the keys {listing(plain, 99)}"
                help_ = "add them, or take them from another file with extends" if not parent else "add them"
                keys = tuple(key for one in plain for key in each[one].keys)
                yield Diagnostic(MISSING, message, each[plain[0]].span, help_, keys=keys)
            yield from (found for key, found in each.items() if key not in plain or len(plain) <= MANY)

    def explain(self, error: Any) -> None:
        """One error of jsonschema, with those in its context."""
        if self.full:
            return
        path = tuple(str(part) for part in error.absolute_path)
        node = self.resolved.node(path)
        if node is not None and node.broken and not isinstance(node.value, dict):
            return
        word = error.validator
        if isinstance(error.instance, str) and node is not None and isinstance(node.value, dict):
            self.bad_name(error, path)
        elif word in ("additionalProperties", "unevaluatedProperties"):
            for key in islice(self.unknown(error), MAX_FOUND + 1):
                self.unknown_key(key, path, error.schema, error.instance)
        elif word in ("required", "dependentRequired"):
            self.lacking(error, path)
        elif word in ("oneOf", "anyOf"):
            self.no_branch(error, path)
        elif word == "minProperties" and not set(error.schema.get("required", ())) <= error.instance.keys():
            return  # what is missing is said by name
        elif word in VALUES:
            code, message, help_, place = VALUES[word](self.shapes, self.resolved, path, error)
            self.add(code, message, place, self.misnamed(path) or help_ or _help(error.schema))
        else:
            self.unfit(error, path)

    def unknown(self, error: Any) -> Iterator[str]:
        schema = error.schema
        known = schema.get("properties", {})
        if error.validator == "unevaluatedProperties":
            known = self.shapes.properties(schema, error.instance)
        patterns = schema.get("patternProperties", {})
        for key in error.instance:
            if key not in known and not any(re.search(pattern, key) for pattern in patterns):
                yield key

    def unknown_key(self, key: str, parent: Path, schema: Any, value: Any) -> None:
        path = (*parent, key)
        elsewhere = self.shapes.knows(path)
        if elsewhere and not self.whole(parent):
            return  # what decides whether the key belongs here could not be read
        known = list(self.shapes.properties(schema, value))
        near = nearest(key, known or self.vocabulary.names(parent))
        if near is not None:
            self.meant.add((*parent, near))
        node = self.resolved.node(path)
        where = f"in {'.'.join(parent)}" if parent else "at the top level"
        span = node.key if node is not None and node.key is not None else self.resolved.span(path)
        notes = (*self.inherited(parent, path), *self.resolved.origins(path))
        help_ = self.vocabulary.words(path, near, known, elsewhere)
        keys = tuple(map(".".join, [path] if near is None else [path, (*parent, near)]))
        self.found.append(Diagnostic("E102", f"unknown key {quote(key)} {where}", span, help_, notes, keys))

    def misnamed(self, path: Path) -> str | None:
        """Where a key belongs that stands among names of the user's, and was taken for one."""
        return self.vocabulary.home(path) if self.shapes.is_own(path) else None

    def inherited(self, parent: Path, path: Path) -> Iterator[Note]:
        """Where a base states the mapping that an upper file put this key into."""
        own = self.resolved.layers(path)
        for origin in self.resolved.layers(parent) if parent else ():
            if origin.layer.kind == "file" and origin.layer.by and own and own[-1].layer is not origin.layer:
                yield Note(f"{'.'.join(parent)} is inherited from", origin.span)

    def whole(self, path: Path) -> bool:
        """Whether all that was written around a path could be read."""
        nodes = [self.resolved.node(path[:depth]) for depth in range(len(path) + 1)]
        return self.resolved.complete and not any(node is not None and node.broken for node in nodes)

    def lacking(self, error: Any, path: Path) -> None:
        if not self.whole(path):
            return
        needed = error.validator_value
        if isinstance(needed, Mapping):  # dependentRequired
            for key, others in needed.items():
                for other in others if key in error.instance else ():
                    if other not in error.instance:
                        self.lacks(other, path, error.schema, error.instance, f" because it has {quote(key)}")
            return
        teller = self.shapes.discriminator(error.schema.get("oneOf", ()))
        for key in needed:
            if key not in error.instance:
                options = (
                    {"properties": {key: {"enum": teller[1]}}}
                    if teller and teller[0] == key
                    else error.schema
                )
                self.lacks(key, path, options, error.instance)

    def strays(self, plain: dict[str, Any]) -> None:
        """What no family knows, in sections that the family closes, while none is chosen: no rule forbids it."""
        for path, whole in strays(self.shapes, plain):
            if whole is None:
                self.unknown_key(path[-1], path[:-1], {}, self.resolved.value(path[:-1]))
            for error in self.shapes.validator.evolve(schema=whole).iter_errors(plain) if whole else ():
                self.explain(error)

    def lacks(self, key: str, path: Path, schema: Any, instance: Any, why: str = "") -> None:
        whole = schema if path else self.shapes.schema  # a family asks for sections that all families describe alike
        options = self.shapes.properties(whole, instance).get(key, [])
        wanted = (self.shapes.expected(one) for one in options)
        expected = next((one for one in wanted if one != SOMETHING), None)
        message = f"{name_of(path)} needs the key {quote(key)}{why}"
        help_ = _help(self.shapes.target(options[0])) if options else None
        if help_ is None and expected is not None:
            help_ = f"add {key}: with {expected}"
        said = self.resolved.layers((*path, key))
        null = said[-1].layer.tree.find((*path, key))[0] if said else None
        removed = (Note("removed by null at", said[-1].span),) if null is not None and is_null(null) else ()
        span = self.resolved.span(path)
        if not path:  # the whole file is no place to point at
            span = span.file.span(0, 0) if span.line == 1 else span
        if stray := next((one for name, child in self.shapes.children(whole, instance) if self.shapes.is_free(
                child, instance[name], key) and (one := self.resolved.node((*path, name, key)))), None):
            span, help_ = stray.key or stray.place, f"here it is taken for a name of your own; move it up to {name_of(path)}"
        notes = (*removed, *self.resolved.origins(path)) if path else removed
        self.missing[(*path, key)] = Diagnostic(MISSING, message, span, help_, notes, (".".join((*path, key)),))

    def no_branch(self, error: Any, path: Path) -> None:
        """A oneOf is reduced to the branch that was meant; if none can be told, to the key that should
        tell."""
        branches = error.validator_value
        meant = self.shapes.branch(branches, error.instance)
        teller = self.shapes.discriminator(branches) if isinstance(error.instance, dict) else None
        typed = [i for i, one in enumerate(branches) if self.shapes.accepts(one, error.instance)]
        if meant is None and teller is not None:
            self.untold(path, error, *teller)
            return
        if not typed:
            code, message, help_, place = expected_instead(self.shapes, self.resolved, path, error)
            self.add(code, message, place, help_ or _help(error.schema))
            return
        if meant is None and "x-expected" in error.schema:
            self.unfit(error, path, "E106")
            return
        groups: dict[int, list[Any]] = {i: [] for i in ([meant] if meant is not None else typed)}
        for inner in error.context:
            groups.get(inner.relative_schema_path[0], []).append(inner)
        best = min(groups.values(), key=len)
        for inner in best:
            self.explain(inner)
        if not best:
            self.unfit(error, path)

    def untold(self, path: Path, error: Any, key: str, options: list[Any]) -> None:
        if key not in error.instance:
            if self.whole(path):
                wanted = {"properties": {key: {"enum": options}}}
                self.lacks(key, path, wanted, error.instance)
            return
        node = self.resolved.node((*path, key))
        if node is None or not node.broken:
            code, message, help_ = one_of((*path, key), error.instance[key], options)
            self.add(code, message, (*path, key), help_)

    def bad_name(self, error: Any, path: Path) -> None:
        node = self.resolved.node((*path, error.instance))
        span = node.key if node is not None and node.key is not None else self.resolved.span(path)
        near = nearest(error.instance, [str(one) for one in error.schema.get("enum", ())])
        expected = self.shapes.expected(error.schema) if {"x-expected", "enum"} & set(error.schema) else None
        help_ = (
            f"did you mean {quote(near)}?"
            if near
            else f"write {expected}"
            if expected
            else _help(error.schema)
        )
        message = f"{quote(error.instance)} cannot be a key of {name_of(path)}"
        own = (*path, error.instance)
        self.found.append(Diagnostic("E108", message, span, help_, self.resolved.origins(own), (".".join(own),)))

    def unfit(self, error: Any, path: Path, code: str = "E109") -> None:
        """What no other wording fits: a `not`, a key that is forbidden here, forms that cannot be told
        apart."""
        schema = error.schema if isinstance(error.schema, Mapping) else {}
        if "x-expected" in schema:
            message = f"{name_of(path)} must be {schema['x-expected']}"
        elif error.schema == NEVER:
            message = f"{name_of(path)} cannot be set here"
        else:
            message = f"{name_of(path)} does not fit the rule for its place ({error.validator})"
        self.add(code, message, path, _help(schema))


def _help(schema: Any) -> str | None:
    found = schema.get("x-help") if isinstance(schema, Mapping) else None
    return str(found) if found is not None else None
