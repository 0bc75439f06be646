"""Whether plain values satisfy a JSON Schema, yes or no. In: a schema (draft 2020-12), plain values. Out: the
verdict, or None for a schema that says more than the words below. `jsonschema` names the errors, but loading it
and asking it takes a third of a build, and nearly every spec that is built has none; so it is asked only where
this says no, or nothing. A test holds that both always agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Test = Callable[[Any], bool]
REMARKS = {"title", "description", "default", "examples", "$schema", "$defs", "$comment"}
KINDS: dict[str, Any] = {"object": dict, "array": list, "string": str, "number": (int, float), "null": type(None)}


class Unknown(Exception):
    """A word of the schema language that is not read here."""


class Verdicts:
    """One schema, each part of it read once, when it is first met."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._tests: dict[int, tuple[Any, Test]] = {}  # by identity; the schema is kept so that its id stays its own

    def holds(self, schema: Any, value: Any) -> bool | None:
        """Whether a value satisfies a schema, which is the root, a part of it, or refers into it; None: not known."""
        try:
            return self.test(schema)(value)
        except Unknown:
            return None

    def test(self, schema: Any) -> Test:
        """The schema as a function."""
        kept = self._tests.get(id(schema))
        if kept is None:
            self._tests[id(schema)] = kept = schema, self._read(schema)
        return kept[1]

    def _read(self, schema: Any) -> Test:
        if isinstance(schema, bool):
            return lambda value: schema
        tests = [test for word in sorted(schema, key=_first) if (test := self._word(word, schema)) is not None]
        if len(tests) == 1:
            return tests[0]

        def every(value: Any) -> bool:
            for test in tests:  # `all` with a generator takes twice as long
                if not test(value):
                    return False
            return True

        return every

    def _word(self, word: str, schema: Mapping[str, Any]) -> Test | None:
        if word in REMARKS or word.startswith("x-"):
            return None
        if word not in WORDS:
            raise Unknown(word)
        return WORDS[word](self, schema[word], schema)

    def later(self, schema: Any) -> Test:
        """The schema as a function that reads it when it is first asked: schemas may refer to themselves."""
        known: list[Test] = []

        def test(value: Any) -> bool:
            if not known:
                known.append(self.test(schema))
            return known[0](value)

        return test


def _first(word: str) -> int:
    return 0 if word == "type" else 1


def equal(left: Any, right: Any) -> bool:
    """JSON's equality: 1 is 1.0, and true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def is_type(value: object, name: str) -> bool:
    """JSON Schema's view of types: no boolean is a number, and 4.0 is an integer."""
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer":
        return isinstance(value, int) or isinstance(value, float) and value.is_integer()
    return name in KINDS and isinstance(value, KINDS[name])


def _type(all_: Verdicts, names: str | list[str], schema: Any) -> Test:
    if isinstance(names, list):
        return lambda value: any(is_type(value, name) for name in names)
    return lambda value: is_type(value, names)


def _reference(all_: Verdicts, reference: str, schema: Any) -> Test:
    if not reference.startswith("#/"):
        raise Unknown(reference)
    found = all_.root
    for part in reference[2:].split("/"):
        if not isinstance(found, dict) or "~" in part or "%" in part or part not in found:
            raise Unknown(reference)
        found = found[part]
    return all_.later(found)


def _on(kind: Any, holds: Callable[[Any, Any], bool]) -> Callable[[Verdicts, Any, Any], Test]:
    """A word that looks at values of one kind and lets all others pass."""
    def read(all_: Verdicts, stated: Any, schema: Any) -> Test:
        return lambda value: not isinstance(value, kind) or isinstance(value, bool) or holds(value, stated)
    return read


def _multiple(value: Any, of: Any) -> bool:
    if not isinstance(of, int):
        raise Unknown("multipleOf")  # a matter of rounding
    return bool(value % of == 0)


def _unique(value: list[Any], stated: bool) -> bool:
    return not stated or not any(equal(one, other) for i, one in enumerate(value) for other in value[:i])


def _properties(all_: Verdicts, stated: dict[str, Any], schema: Any) -> Test:
    tests = {name: all_.later(one) for name, one in stated.items()}

    def holds(value: Any) -> bool:
        return not isinstance(value, dict) or all(tests[key](one) for key, one in value.items() if key in tests)

    return holds


def _additional(all_: Verdicts, stated: Any, schema: Mapping[str, Any]) -> Test:
    if "patternProperties" in schema:
        raise Unknown("patternProperties")
    known, test = schema.get("properties", {}), all_.later(stated)
    return lambda value: not isinstance(value, dict) or all(test(one) for key, one in value.items() if key not in known)


def _names(all_: Verdicts, stated: Any, schema: Any) -> Test:
    test = all_.later(stated)
    return lambda value: not isinstance(value, dict) or all(map(test, value))


def _items(all_: Verdicts, stated: Any, schema: Mapping[str, Any]) -> Test:
    test, after = all_.later(stated), len(schema.get("prefixItems", ()))
    return lambda value: not isinstance(value, list) or all(map(test, value[after:]))


def _prefix(all_: Verdicts, stated: list[Any], schema: Any) -> Test:
    tests = list(map(all_.later, stated))
    return lambda value: not isinstance(value, list) or all(test(one) for test, one in zip(tests, value, strict=False))


def _required_with(value: dict[str, Any], stated: dict[str, list[str]]) -> bool:
    return all(other in value for key, others in stated.items() if key in value for other in others)


def _some(accepted: Callable[[Iterator[bool]], bool]) -> Callable[[Verdicts, Any, Any], Test]:
    """A word that combines the verdicts of several schemas on the same value."""
    def read(all_: Verdicts, stated: list[Any], schema: Any) -> Test:
        tests = list(map(all_.later, stated))
        return lambda value: accepted(test(value) for test in tests)
    return read


def _not(all_: Verdicts, stated: Any, schema: Any) -> Test:
    test = all_.later(stated)
    return lambda value: not test(value)


def _if(all_: Verdicts, stated: Any, schema: Mapping[str, Any]) -> Test:
    test, then, other = (all_.later(one) for one in (stated, schema.get("then", True), schema.get("else", True)))
    return lambda value: then(value) if test(value) else other(value)


NUMBER = (int, float)
WORDS: dict[str, Callable[[Verdicts, Any, Any], Test | None]] = {
    "$ref": _reference,
    "type": _type,
    "enum": lambda all_, stated, schema: lambda value: any(equal(value, one) for one in stated),
    "const": lambda all_, stated, schema: lambda value: equal(value, stated),
    "minimum": _on(NUMBER, lambda value, least: value >= least),
    "maximum": _on(NUMBER, lambda value, most: value <= most),
    "exclusiveMinimum": _on(NUMBER, lambda value, below: value > below),
    "exclusiveMaximum": _on(NUMBER, lambda value, above: value < above),
    "multipleOf": _on(NUMBER, _multiple),
    "pattern": _on(str, lambda value, pattern: re.search(pattern, value) is not None),
    "minLength": _on(str, lambda value, least: len(value) >= least),
    "maxLength": _on(str, lambda value, most: len(value) <= most),
    "minItems": _on(list, lambda value, least: len(value) >= least),
    "maxItems": _on(list, lambda value, most: len(value) <= most),
    "uniqueItems": _on(list, _unique),
    "items": _items,
    "prefixItems": _prefix,
    "minProperties": _on(dict, lambda value, least: len(value) >= least),
    "maxProperties": _on(dict, lambda value, most: len(value) <= most),
    "required": _on(dict, lambda value, names: all(name in value for name in names)),
    "dependentRequired": _on(dict, _required_with),
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "allOf": _some(all),
    "anyOf": _some(any),
    "oneOf": _some(lambda verdicts: sum(verdicts) == 1),
    "not": _not,
    "if": _if,
    "then": lambda all_, stated, schema: None,  # read with `if`
    "else": lambda all_, stated, schema: None,
}
