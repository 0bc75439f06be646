"""The schema of a whole spec: the shared part, with the fragments of every family and the names of the catalogues.

`complete()` is for a resolved spec, `for_editors()`, which `expc schema` prints, for a single file.
"""

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


def for_editors() -> dict[str, Any]:
    """The schema for single files, which may inherit what they lack: nothing is required but inside of list items."""
    return _without_required(complete())


def _without_required(schema: Any, whole: bool = False) -> Any:
    if isinstance(schema, list):
        return [_without_required(one, whole) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "if" in schema:
        return {**schema, "then": _without_required(schema["then"])}
    return {key: _without_required(one, whole or key == "items") for key, one in schema.items()
            if whole or key != "required" or not isinstance(one, list)}


def _when_family(name: str, family: dict[str, Any]) -> dict[str, Any]:
    fragment = _read(_HERE / "families" / FAMILIES[name].SCHEMA_FILE)
    fragment["model"]["properties"] = {"family": family, **fragment["model"]["properties"]}
    condition = {"required": ["model"], "properties": {"model": {
        "type": "object", "required": ["family"], "properties": {"family": {"const": name}}}}}
    return {"if": condition, "then": {"properties": fragment}}
