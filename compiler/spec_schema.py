"""The schema of a resolved spec: the shared part, with the fragments of every family and the names of the catalogues."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from .families import FAMILIES
from .hardware import DEVICES
from .launchers import TARGETS

_HERE = Path(__file__).parent


def _read(path: Path) -> dict[str, Any]:
    fragment: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fragment


@functools.cache
def complete() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a spec; `model.family` decides what `model`, `data` and `optimizer` hold."""
    schema = _read(_HERE / "spec.schema.json")
    properties = schema["properties"]
    family = properties["model"]["properties"]["family"]
    family["enum"] = list(FAMILIES)
    machine = properties["claims"]["properties"]["machines"]["items"]
    others = properties["hardware"]["properties"]["others"]["items"]
    for holder in (properties["hardware"], others, machine):
        holder["properties"]["target"]["enum"] = list(DEVICES)
    properties["launch"]["properties"]["targets"]["items"]["enum"] = list(TARGETS)
    fragments = {name: _read(_HERE / "families" / FAMILIES[name].SCHEMA_FILE) for name in FAMILIES}
    schema["$defs"] |= {name: one for fragment in fragments.values() for name, one in fragment.pop("$defs", {}).items()}
    schema["allOf"] = [_when_family(fragment, name, family) for name, fragment in fragments.items()]
    return schema


def _when_family(fragment: dict[str, Any], name: str, family: dict[str, Any]) -> dict[str, Any]:
    model = fragment["properties"]["model"]
    model["properties"] = {"family": family, **model["properties"]}
    condition = {"required": ["model"], "properties": {"model": {
        "type": "object", "required": ["family"], "properties": {"family": {"const": name}}}}}
    return {"if": condition, "then": {"required": fragment["required"], "properties": fragment["properties"]}}
