"""The model families that the compiler knows: name in, its torch-free knowledge out.

A family is registered here, in `contract/families` and in the runtime's table, each with one line.
"""

from __future__ import annotations

from types import ModuleType

from . import gpt

FAMILIES: dict[str, ModuleType] = {"gpt": gpt}


def family(name: str) -> ModuleType:
    """The family's module: config, groups, parameters, memory, FLOPs, metrics and indicator names."""
    return FAMILIES[name]
