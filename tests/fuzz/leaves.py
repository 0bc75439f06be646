"""The single values of the shipped specs: where they are, defaults included, and a spec that inherits all but one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from expc.compiler.frontend.resolve import Resolved, resolve
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.spec_schema import complete
from tests.compiler.commands.shell import ROOT
from tests.fuzz.spec_texts import Place, at, changed, places, written

EVERY = bool(os.environ.get("EXPC_EVERY_LEAF"))
"""Whether tests try all there is instead of a sample."""
SPECS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*.yaml") if path.parent.name != "shared")
SHAPES = Shapes(complete())
HERE = "the value goes here"
Leaf = tuple[str, str | None, Place]


def leaves(tree: Any) -> Iterator[Place]:
    """The places of what holds nothing else, defaults included; profiles are laid over the spec instead."""
    for place in places({key: value for key, value in tree.items() if key != "profiles"}):
        if not (value := at(tree, place)) or not isinstance(value, dict | list):
            yield place


@cache
def resolved(spec: str, profile: str | None) -> Resolved:
    found, _ = resolve(ROOT / spec, workspace=ROOT, profile=profile, schema=SHAPES)
    assert found is not None
    return found


def everywhere() -> list[Leaf]:
    """(spec, profile, place) of every leaf of every shipped spec, bare and as its smoke run."""
    forms = [(spec, profile) for spec in SPECS for profile in (None, "smoke")
             if profile in (None, *resolved(spec, None).profiles)]
    return [(*form, place) for form in forms for place in leaves(resolved(*form).plain())]


def overlay(spec: str, profile: str | None, place: Place, value: str) -> str:
    """A spec that inherits from a shipped one and sets one value; of a list it states the whole."""
    tree = changed(resolved(spec, profile).plain(), place, HERE)
    end = next((i for i, key in enumerate(place) if isinstance(key, int)), len(place))
    tree = at(tree, place[:end])
    for key in reversed(place[:end]):
        tree = {key: tree}
    own = {"profiles": {profile: tree}} if profile else tree
    return written({"extends": Path(spec).name} | own).replace(f'"{HERE}"', value)
