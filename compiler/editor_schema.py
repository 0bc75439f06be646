"""The schema that editors complete, explain and mark single files by.

Comes in: the schema of a resolved spec. Goes out: one for a file on its own, which may inherit what it lacks, take away with
`null` what it inherits, stand for another value with `${…}`, and hold profiles. It accepts whatever the compiler accepts;
what it lets pass is the compiler's to judge. Descriptions gain the form and the default of their value, as far as the schema
knows them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .contract.metrics import COMMON
from .contract.quantities import units
from .families import FAMILIES
from .frontend.extends import RESERVED
from .frontend.shapes import NEVER, JsonSchema, Shapes
from .hardware import DEVICES
from .spec_schema import complete

Schema = dict[str, Any]
REFERENCE = r"\$\{"


def for_editors() -> Schema:
    """JSON Schema (draft 2020-12) of one file; nothing is required but inside of list items, which replace whole lists."""
    shapes = Shapes(complete())
    told = _told(dict(shapes.schema), shapes)
    properties, conditions = told["properties"], [_without_family(told["allOf"], shapes), *told["allOf"]]
    _suggest(properties, told["$defs"]["suite"]["properties"])
    overlay = {name: {"$ref": f"#/properties/{name}"} for name in properties if name not in RESERVED}
    properties["profiles"]["additionalProperties"] = {"$ref": "#/$defs/overlay"}
    told["$defs"]["of_the_family"] = {"allOf": conditions}
    by_family = [{"$ref": "#/$defs/of_the_family"}]
    told["$defs"]["overlay"] = {"type": "object", "additionalProperties": False, "properties": overlay, "allOf": by_family}
    return {**_of_a_file({**told, "allOf": by_family}, shapes), "type": "object"}


def _each(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The schema with a change made to each schema right inside of it; conditions stay what they are."""
    made = dict(schema)
    for word in ("properties", "$defs"):
        if word in made:
            made[word] = {name: change(one) for name, one in made[word].items()}
    for word in ("allOf", "anyOf", "oneOf"):
        if word in made:
            made[word] = [change(one) for one in made[word]]
    for word in ("additionalProperties", "items", "then", "else"):
        if isinstance(made.get(word), dict):
            made[word] = change(made[word])
    return made


# What a reader is told


def _told(schema: Schema, shapes: Shapes) -> Schema:
    """The schema with every description completed by the form and the default of its value."""
    made = _each(schema, lambda one: _told(one, shapes))
    if "description" in made:
        made["description"] = " ".join([made["description"], *_form(shapes.target(schema))])
    return made


def _form(shape: JsonSchema) -> list[str]:
    said = [f"Write {shape['x-expected']}."] if "x-expected" in shape else []
    said += [f"Units: {units(shape['x-quantity'])}."] if "x-quantity" in shape else []
    default = shape.get("default")
    shown = default if isinstance(default, str) else json.dumps(default)
    return [*said, f"Default: {shown}."] if default not in (None, "", [], {}) else said


def _suggest(properties: Schema, suite: Schema) -> None:
    """Names that the language leaves open and the catalogues know: devices' titles, metrics, indicators."""
    properties["hardware"]["properties"]["target"]["enumDescriptions"] = [device.title for device in DEVICES.values()]
    known = (*COMMON, *(metric for family in FAMILIES.values() for metric in (*family.METRICS, *family.EVALUATED)))
    metrics = list(dict.fromkeys(metric.name for metric in known))
    for place in (properties["expect"]["items"], properties["scenarios"]):
        place["properties"]["metric"]["examples"] = metrics
    indicators = dict.fromkeys(name for family in FAMILIES.values() for name in family.INDICATORS)
    suite["indicators"]["items"]["examples"] = list(indicators)


# What a single file may hold


def _without_family(conditions: list[Schema], shapes: Shapes) -> Schema:
    """For a file that inherits its family: the keys of all families."""
    stated = {"required": ["model"], "properties": {"model": {"type": "object", "required": ["family"]}}}
    return {"if": {"not": stated}, "then": _either([one["then"] for one in conditions], shapes)}


def _either(schemas: list[Schema], shapes: Shapes) -> Schema:
    """What at least one of these takes: of mappings, the keys of all."""
    known = [dict(shapes.target(one)) for one in schemas if one != NEVER]
    if not known:
        return NEVER
    if all(one == known[0] for one in known):
        return known[0]
    if {} in known or any("properties" not in one for one in known):
        return {} if {} in known else {**_shared(known), "anyOf": known}
    names = dict.fromkeys(name for one in known for name in one["properties"])
    either = {name: _either([_below(one, name) for one in known], shapes) for name in names}
    closed = {"type": "object", "additionalProperties": False} if all(map(_is_closed, known)) else {}
    return {"properties": either, **closed}


def _shared(schemas: list[Schema]) -> Schema:
    """What editors show of a key that means several things: each family's words for it, and a default that all share."""
    words = dict.fromkeys(str(one["description"]) for one in schemas if "description" in one)
    defaults = [one.get("default") for one in schemas]
    shared = {"default": defaults[0]} if defaults[0] is not None and all(one == defaults[0] for one in defaults) else {}
    return {**({"description": " Or: ".join(words)} if words else {}), **shared}


def _below(mapping: Schema, name: str) -> Schema:
    found: Schema = mapping["properties"].get(name, NEVER if _is_closed(mapping) else {})
    return found


def _is_closed(mapping: Schema) -> bool:
    return mapping.get("additionalProperties") is False


def _of_a_file(schema: Schema, shapes: Shapes, whole: bool = False, item: bool = False) -> Schema:
    """A schema that also takes references, and null; inside of a list's items, which nothing completes, all is `whole`."""
    if not whole:
        schema = {key: one for key, one in schema.items() if key not in ("required", "dependentRequired")}
    schema = _flat(schema, shapes)

    def inside(one: Schema) -> Schema:
        item = one is schema.get("items")
        return _of_a_file(one, shapes, whole or item, item)

    return _open(_each(schema, inside), null=not item)


def _flat(schema: Schema, shapes: Shapes) -> Schema:
    """A choice between types as one schema of several types, of which editors show more: each keyword holds for one type."""
    branches = [shapes.target(one) for one in schema.get("oneOf", ())]
    types = [one.get("type") for one in branches]
    rest = {key: one for key, one in schema.items() if key != "oneOf"}
    if not branches:
        return schema
    if any(types.count(one) > 1 or not isinstance(one, str) for one in types):
        return {**rest, "anyOf": schema["oneOf"]}  # more than one of them may take null
    return {**{key: one for branch in branches for key, one in branch.items()}, **rest, "type": types}


def _open(schema: Schema, null: bool) -> Schema:
    """The schema, or a text with a reference in it, or `null` where that can stand."""
    if "const" in schema or "enum" in schema:
        if not null:
            return schema  # editors would offer nonsense beside the options of a list
        told = {key: one for key, one in schema.items() if key in ("description", "default")}
        return {**told, "anyOf": [schema, {"type": "string", "pattern": REFERENCE}, {"type": "null"}]}
    if schema == NEVER:
        return {"type": "null"}
    if "type" not in schema:
        return schema
    made, types = dict(schema), schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "x-expected" in schema:
        made["patternErrorMessage"] = f"Write {schema['x-expected']}."
    if "pattern" in schema:
        made["pattern"] = f"({schema['pattern']})|{REFERENCE}"
    elif not set(types) & {"string", "object", "array"}:
        made["pattern"], types = REFERENCE, [*types, "string"]
    types = [*types, "null"] if null else types
    return {**made, "type": types if len(types) > 1 else types[0]}
