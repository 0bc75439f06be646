"""What a JSON Schema says about one place of a tree. In: a plain draft 2020-12 schema (references into itself, allOf, if/then,
oneOf with a discriminating const) and plain values. Out: the subschemas that apply to a value, the keys it may have, the branch
of a oneOf that was meant, defaults as a tree, and words for what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ..diagnostics import listing
from .schema_words import SOMETHING, TYPES, either, written
from .verdict import Verdicts, is_type

JsonSchema = Mapping[str, Any]
Path = tuple[str, ...]
ANY_ITEM, ANY_NAME = "*", "<name>"
MAX_REFERENCES = 40
NEVER: dict[str, Any] = {"not": {}}
ANYTHING: dict[str, Any] = {}
INSIDE = ("allOf", "then", "else", "oneOf", "anyOf", "items", "prefixItems", "additionalProperties")
COMBINING = {"allOf", "if", "oneOf", "anyOf"}


class Shapes:
    """A schema with its walks. Subschemas that are `true` or `false` have no shape and are passed over."""

    def __init__(self, schema: JsonSchema) -> None:
        self.schema = _placed(schema)
        self.verdicts = Verdicts(self.schema)
        # By identity; the schema is kept beside what is known of it, so that its id stays its own.
        self._targets: dict[int, tuple[Any, JsonSchema]] = {}
        self._defaults: dict[int, tuple[JsonSchema, dict[str, Any]]] = {}
        self._may_default: dict[int, tuple[Any, bool]] = {}
        self._together: dict[tuple[int, ...], JsonSchema] = {}

    @cached_property
    def validator(self) -> Any:
        from jsonschema import Draft202012Validator  # here: loading it takes 40 ms, a quarter of a build

        return Draft202012Validator(self.schema)

    def matches(self, schema: Any, value: object) -> bool:
        verdict = self.verdicts.holds(schema, value)
        return bool(self.validator.evolve(schema=schema).is_valid(value)) if verdict is None else verdict

    def target(self, schema: Any) -> JsonSchema:
        """A schema behind its references, its own annotations over those of the target."""
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema if isinstance(schema, Mapping) else {}
        kept = self._targets.get(id(schema))
        if kept is None:
            self._targets[id(schema)] = kept = schema, self._followed(schema)
        return kept[1]

    def _followed(self, schema: Any) -> JsonSchema:
        for _ in range(MAX_REFERENCES):
            reference = schema.get("$ref") if isinstance(schema, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith("#"):
                break
            found: Any = self.schema
            for part in reference[1:].split("/")[1:]:
                part = part.replace("~1", "/").replace("~0", "~")
                found = found.get(part, {}) if isinstance(found, Mapping) else {}
            own = {key: one for key, one in schema.items() if key != "$ref"}
            schema = {**found, **own} if isinstance(found, Mapping) else found
        return schema if isinstance(schema, Mapping) else {}

    def depends(self, schema: Any) -> bool:
        """Whether more than the schema itself may apply to a value, by what the value holds."""
        return not COMBINING.isdisjoint(self.target(schema))

    def applicable(self, schema: Any, value: object, depth: int = 0) -> list[JsonSchema]:
        """The schema itself and all that it brings to bear on this value."""
        here = self.target(schema)
        if depth > MAX_REFERENCES:
            return []
        found = [here]
        if not self.depends(here):
            return found
        for part in here.get("allOf", ()):
            found += self.applicable(part, value, depth + 1)
        if "if" in here:
            chosen = "then" if self.matches(here["if"], value) else "else"
            found += self.applicable(here.get(chosen, ANYTHING), value, depth + 1)
        for word in ("oneOf", "anyOf"):
            if word in here and (meant := self.branch(here[word], value)) is not None:
                found += self.applicable(here[word][meant], value, depth + 1)
        return found

    def properties(self, schema: Any, value: object) -> dict[str, list[Any]]:
        """The keys that a mapping may have, each with every subschema for it."""
        return _properties(self.applicable(schema, value))

    def defaults(self, part: JsonSchema) -> dict[str, Any]:
        """The defaults that one applicable schema states for the keys of a mapping."""
        kept = self._defaults.get(id(part))
        if kept is None:
            targets = ((name, self.target(one)) for name, one in part.get("properties", {}).items())
            kept = part, {name: target["default"] for name, target in targets if "default" in target}
            self._defaults[id(part)] = kept
        return kept[1]

    def may_default(self, schema: Any) -> bool:
        """Whether a schema states a default anywhere: most parts of a spec need no search for them."""
        if isinstance(schema, list):
            return any(map(self.may_default, schema))
        if not isinstance(schema, dict):
            return False
        if list(schema) == ["allOf"]:  # made by `children`
            return self.may_default(schema["allOf"])
        kept = self._may_default.get(id(schema))
        if kept is None:
            self._may_default[id(schema)] = schema, True  # of one that refers to itself, nothing is known
            here = self.target(schema)
            inside = [*here.get("properties", {}).values(), *(here[word] for word in INSIDE if word in here)]
            self._may_default[id(schema)] = kept = schema, "default" in here or self.may_default(inside)
        return kept[1]

    def children(self, schema: Any, value: object) -> Iterator[tuple[str, Any]]:
        """Each child of a value with the schema for it (all that apply, in one allOf)."""
        if isinstance(value, dict):
            known, extra = _properties(parts := self.applicable(schema, value)), _others(parts)
            yield from ((key, self._joined(known.get(key, extra))) for key in value)
        elif isinstance(value, list):
            parts = self.applicable(schema, value)
            yield from ((str(i), self._joined(_item(parts, i))) for i in range(len(value)))

    def child(self, schema: Any, value: object, key: str) -> Any:
        """The schema for one child of a value, also for a key that a mapping does not have; {} where there is none."""
        if isinstance(value, dict):
            parts = self.applicable(schema, {key: {}} | value)
            return self._joined(_properties(parts).get(key, _others(parts)))
        within = isinstance(value, list) and key.isdecimal() and int(key) < len(value)
        return self._joined(_item(self.applicable(schema, value), int(key))) if within else {}

    def _joined(self, schemas: list[Any]) -> Any:
        """One schema for all of these, the same one each time: what is known of schemas is kept by their identity."""
        if len(schemas) == 1:
            return schemas[0]
        which = tuple(map(id, schemas))
        kept = self._together.get(which)
        if kept is None:
            self._together[which] = kept = {"allOf": schemas}
        return kept

    def branch(self, branches: Sequence[Any], value: object) -> int | None:
        """Which branch of a oneOf was meant: the one whose constants the value has, else the only one of its type."""
        shapes = [self.target(one) for one in branches]
        if isinstance(value, dict):
            for i, shape in enumerate(shapes):
                constants = self.constants(shape)
                if constants and all(value.get(key) in allowed for key, allowed in constants.items()):
                    return i
        typed = [i for i, shape in enumerate(shapes) if self.accepts(shape, value)]
        if len(typed) == 1 and not (isinstance(value, dict) and self.discriminator(branches)):
            return typed[0]
        fitting = [i for i in typed if self.matches(branches[i], value)]
        return fitting[0] if fitting else None

    def constants(self, shape: JsonSchema) -> dict[str, list[Any]]:
        """The keys of a branch that only one constant, or a few, can stand under."""
        inside = ((name, self.target(child)) for name, child in shape.get("properties", {}).items())
        return {name: [one["const"]] for name, one in inside if "const" in one}

    def discriminator(self, branches: Sequence[Any]) -> tuple[str, list[Any]] | None:
        """The key that tells the branches apart by a constant, and its constants; None if there is none."""
        each = [self.constants(self.target(one)) for one in branches]
        for key in each[0] if each else ():
            if all(key in one for one in each):
                return key, [allowed for one in each for allowed in one[key]]
        return None

    def accepts(self, schema: Any, value: object) -> bool:
        """Whether a value is of a type that the schema allows."""
        shape = self.target(schema)
        if "const" in shape or "enum" in shape:
            options = shape.get("enum", [shape.get("const")])
            return any(type(value) is type(option) for option in options)
        for word in ("oneOf", "anyOf"):
            if word in shape:
                return any(self.accepts(one, value) for one in shape[word])
        types = shape.get("type")
        names = [types] if isinstance(types, str) else types or []
        return not names or any(is_type(value, name) for name in names)

    def expected(self, schema: Any) -> str:
        """Words for what a schema wants: its x-expected, its options, or its types."""
        shape = self.target(schema)
        if "x-expected" in shape:
            return str(shape["x-expected"])
        if "enum" in shape or "const" in shape:
            options = shape.get("enum", [shape.get("const")])
            return ("one of " if len(options) > 1 else "") + listing(written(one) for one in options)
        for word in ("oneOf", "anyOf"):
            if word in shape:
                return either(self.expected(one) for one in shape[word])
        types = shape.get("type")
        names = [types] if isinstance(types, str) else types or []
        return either(TYPES[name][0] for name in names) if names else SOMETHING

    def homes(self, name: str, near: Path, among: Sequence[Path] = (), limit: int = 3) -> list[Path]:
        """Where the schema has a key of this name: the paths of its mappings, those close to `near` first."""
        found = dict.fromkeys(path[:-1] for path in among or self.all_paths if path[-1] == name)
        return sorted(found, key=lambda path: (_apart(path, near), len(path)))[:limit]

    def knows(self, path: Path) -> bool:
        """Whether the schema, of any family, has a key at this path of a spec."""
        return any(len(one) == len(path) and _fits(one, path) for one in self.all_paths)

    def is_own(self, path: Path) -> bool:
        """Whether the key at a path of a spec is the user's to name."""
        return any(one[len(path) - 1 : len(path)] == (ANY_NAME,) and _fits(one, path) for one in self.all_paths)

    def is_free(self, schema: Any, value: object, key: str) -> bool:
        """Whether a mapping takes a key as a name of the user's."""
        parts = self.applicable(schema, value) if isinstance(value, dict) else []
        return key not in _properties(parts) and any(isinstance(part.get("additionalProperties"), Mapping) for part in parts)

    @cached_property
    def also(self) -> dict[str, list[Path]]:
        """The keys that other programs call by another name, by that name; a key lists such names as its `x-also`."""
        found: dict[str, list[Path]] = {}
        for path, names in self._called.items():
            for name in names:
                found.setdefault(name, []).append(path)
        return found

    @cached_property
    def all_paths(self) -> list[Path]:
        """Every key that the schema knows; `*` stands for any item of a list, `<name>` for a key of the user's."""
        return list(self._called)

    @cached_property
    def _called(self) -> dict[Path, list[str]]:
        found: dict[Path, list[str]] = {}
        self._collect(self.schema, (), found, ())
        return found

    def _collect(self, schema: Any, path: Path, found: dict[Path, list[str]], inside: tuple[int, ...]) -> None:
        shape = self.target(schema)
        if id(schema) in inside or len(path) > 8 or len(inside) > MAX_REFERENCES:
            return
        inside = (*inside, id(schema))
        for word in ("allOf", "oneOf", "anyOf"):
            for part in shape.get(word, ()):
                self._collect(part, path, found, inside)
        for word, step in (("then", ()), ("else", ()), ("items", (ANY_ITEM,)), ("additionalProperties", (ANY_NAME,))):
            if isinstance(shape.get(word), Mapping):
                self._collect(shape[word], (*path, *step), found, inside)
        for name, child in shape.get("properties", {}).items():
            if child != NEVER:
                found.setdefault((*path, name), []).extend(self.target(child).get("x-also", ()))
                self._collect(child, (*path, name), found, inside)


def _fits(pattern: Path, path: Path) -> bool:
    """Whether a path of a spec follows a path of the schema, as far as both go."""
    return all(a in (b, ANY_ITEM, ANY_NAME) for a, b in zip(pattern, path, strict=False))


def _apart(left: Path, right: Path) -> int:
    """How many steps lead from one place of a tree to another."""
    common = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a not in (b, ANY_ITEM, ANY_NAME)),
                  min(len(left), len(right)))  # fmt: skip
    return len(left) + len(right) - 2 * common


def _properties(parts: list[JsonSchema]) -> dict[str, list[Any]]:
    known: dict[str, list[Any]] = {}
    for part in parts:
        for name, child in part.get("properties", {}).items():
            if child != NEVER:
                known.setdefault(name, []).append(child)
    return known


def _others(parts: list[JsonSchema]) -> list[Any]:
    """The schemas for keys that a mapping leaves to the user to name."""
    return [one for part in parts if isinstance(one := part.get("additionalProperties"), Mapping)]


def _item(parts: list[JsonSchema], i: int) -> list[Any]:
    firsts = [part["prefixItems"][i] for part in parts if i < len(part.get("prefixItems", ()))]
    return firsts or [part["items"] for part in parts if "items" in part]


def _placed(schema: Any) -> Any:
    """The schema with `false` for a key written as `NEVER`: of `false`, jsonschema's errors do not tell the place."""
    if isinstance(schema, list):
        return [_placed(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    placed = {key: one if key in ("default", "const", "enum") else _placed(one) for key, one in schema.items()}
    if isinstance(keys := placed.get("properties"), Mapping):
        placed["properties"] = {name: NEVER if one is False else one for name, one in keys.items()}
    return placed
