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
    for holder in (properties["hardware"], machine):
        holder["properties"]["target"]["enum"] = list(DEVICES)
    properties["launch"]["properties"]["targets"]["items"]["enum"] = list(TARGETS)
    schema["allOf"] = [_when_family(name, family) for name in FAMILIES]
    return schema


def _when_family(name: str, family: dict[str, Any]) -> dict[str, Any]:
    fragment = _read(_HERE / "families" / FAMILIES[name].SCHEMA_FILE)
    fragment["model"]["properties"] = {"family": family, **fragment["model"]["properties"]}
    condition = {"required": ["model"], "properties": {"model": {
        "type": "object", "required": ["family"], "properties": {"family": {"const": name}}}}}
    return {"if": condition, "then": {"properties": fragment}}
