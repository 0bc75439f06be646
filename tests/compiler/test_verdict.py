"""Our yes or no about a value is jsonschema's, for the schema of specs and for any other that we read at all."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from expc.compiler.frontend.verdict import REMARKS, WORDS, Verdicts
from expc.compiler.pipeline import Session
from expc.compiler.spec_schema import complete
from expc.compiler.workspace import all_specs

ROOT = Path(__file__).parents[2]
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, -2.0, "", "a", "ab", "1"])
NAMES = st.sampled_from(["a", "b", "ab"])
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
KINDS = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
COUNTS = st.integers(0, 3)


def words(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """What may stand under each word that is read."""
    several, named = st.lists(inner, min_size=1, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
    counts = dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), COUNTS)
    limits = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), st.integers(-2, 2))
    return counts | limits | {
        "$ref": st.just("#/$defs/other"), "type": KINDS | st.lists(KINDS, min_size=1, max_size=2, unique=True),
        "enum": st.lists(ANY, min_size=1, max_size=3), "const": ANY, "multipleOf": st.integers(1, 3),
        "pattern": st.sampled_from(["a", "^a$", "b|1"]), "uniqueItems": st.booleans(), "items": inner, "prefixItems": several,
        "required": st.lists(NAMES, max_size=2, unique=True), "properties": named, "additionalProperties": inner,
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
        "propertyNames": inner, "allOf": several, "anyOf": several, "oneOf": several, "not": inner, "if": inner,
        "then": inner, "else": inner}


def some_words(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas of up to four words."""
    table = words(inner)
    chosen = st.lists(st.sampled_from(sorted(table)), max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: table[name] for name in names})) | st.booleans()


SCHEMAS = some_words(some_words(some_words(st.booleans())))


def test_every_word_that_is_read_is_tried() -> None:
    assert set(words(ANY)) == set(WORDS)


@settings(max_examples=600, deadline=None)
@given(SCHEMAS, some_words(st.booleans()).filter(lambda one: isinstance(one, bool) or "$ref" not in one), ANY)
def test_the_verdict_is_that_of_jsonschema(schema: Any, other: Any, value: Any) -> None:
    root = {"$defs": {"other": other}, "allOf": [schema]}
    assert Verdicts(root).holds(root, value) == Draft202012Validator(root).is_valid(value)


@pytest.mark.parametrize("schema", [{"format": "date"}, {"multipleOf": 0.1}, {"$ref": "http://elsewhere"},
                                    {"properties": {"a": {"contains": {}}}}])
def test_what_is_not_read_is_left_to_jsonschema(schema: dict[str, Any]) -> None:
    assert Verdicts(schema).holds(schema, {"a": 1} if "properties" in schema else 1) is None


def test_the_whole_schema_of_specs_is_read() -> None:
    """A word that is missing in `WORDS` would cost every check the loading of jsonschema."""
    def unread(schema: Any) -> set[str]:
        if not isinstance(schema, dict):
            return set()
        below = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), schema.get("propertyNames"),
                 schema.get("items"), schema.get("additionalProperties"), schema.get("not"), schema.get("if"),
                 schema.get("then"), schema.get("else"), *schema.get("prefixItems", ()),
                 *(one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, ()))]
        own = {word for word in schema if not word.startswith("x-")} - REMARKS - set(WORDS)
        return own.union(*map(unread, below))
    assert unread(complete()) == set()


def resolved_specs() -> list[dict[str, Any]]:
    found = [Session(ROOT, profile).compile(path).resolved for path in all_specs(ROOT) for profile in (None, "smoke")]
    return [one.plain() for one in found if one is not None]


SPECS = resolved_specs()


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A shipped spec, resolved, with one place deleted or replaced."""
    spec: Any = copy.deepcopy(draw(st.sampled_from(SPECS)))
    place: Any = spec
    for _ in range(6):
        key = draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    if draw(st.booleans()):
        place[key] = draw(ANY)
    elif isinstance(place, dict) and draw(st.booleans()):
        place[draw(st.sampled_from(["unknown", "why", "path", "step"]))] = draw(ANY)
    else:
        del place[key]
    return spec


def test_the_shipped_specs_are_sound() -> None:
    verdicts = Verdicts(complete())
    assert len(SPECS) >= 8 and all(verdicts.holds(complete(), spec) for spec in SPECS)


@settings(max_examples=300, deadline=None)
@given(damaged())
def test_damaged_specs_get_the_verdict_of_jsonschema(spec: Any) -> None:
    assert Verdicts(complete()).holds(complete(), spec) == Draft202012Validator(complete()).is_valid(spec)
