"""Every single value of every shipped spec set to odd ones: what comes out is a diagnostic, or a build whose files can be made.

A sample in the test suite, drawn by a seed; `EXPC_EVERY_LEAF=1 pytest tests/fuzz/test_leaves.py` tries all of them.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from expc.compiler.frontend.resolve import Resolved, resolve
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.pipeline import Session
from expc.compiler.spec_schema import complete
from tests.compiler.commands.shell import ROOT
from tests.fuzz.limits import bounded
from tests.fuzz.spec_texts import Place, at, changed, places, written
from tests.fuzz.survival import survives

SPECS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*.yaml") if path.parent.name != "shared")
SHAPES = Shapes(complete())
SECONDS = 25
MOST = "9" * 300
ODD = ('""', '" "', '"\\0"', '"\\n"', '"x"', '"${name}"', '"${model.family}"', "0", "-1", "1", "2", "0.5", "-0.0", "1e-300",
       "5e-324", "1e15", "1e300", "1.7976931348623157e308", "-1e308", "9223372036854775807", ".nan", ".inf", "true", "null",
       "[]", "[0]", '[""]', "{}", '{"": 1}', '"0"', '"0s"', '"0B"', '"0%"', '"100%"', f'"{MOST}"', f'"{MOST}s"', f'"{MOST}GB"',
       f'"{MOST}%"', f'"0.{"0" * 300}1s"', f'"0.{"0" * 300}1%"', '"1 epoch"', '"999B epochs"', '"2026-99-99"')
"""Values as YAML writes them."""
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


class Trials:
    """A workspace in which specs inherit from the shipped ones; what those refer to is compiled once."""

    def __init__(self, workspace: Path) -> None:
        shutil.copytree(ROOT / "specs", workspace / "specs")
        self.workspace, self.tried, self.accepted = workspace, 0, 0
        self.sessions = {profile: Session(workspace, profile) for profile in (None, "smoke")}

    def run(self, leaf: Leaf, value: str) -> None:
        spec, profile, place = leaf
        child = (self.workspace / spec).with_name(f"child_{self.tried}.yaml")
        child.write_text(overlay(spec, profile, place, value), encoding="utf-8")
        self.tried += 1
        with bounded(cpu_seconds=30, memory=2 << 30):
            self.accepted += bool(survives(self.sessions[profile].compile(child)))
        child.unlink()


def test_any_value_may_be_odd(tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    found, trials = everywhere(), Trials(tmp_path)
    cases = [(leaf, value) for leaf in found for value in ODD]
    every = bool(os.environ.get("EXPC_EVERY_LEAF"))
    if not every:
        random.Random(request.config.getoption("--fuzz-seed")).shuffle(cases)
    until = time.process_time() + SECONDS
    broken: dict[str, str] = {}
    for leaf, value in cases:
        if not every and time.process_time() > until:
            break
        try:
            trials.run(leaf, value)
        except Exception as error:  # all of them are wanted, one of a kind
            broken.setdefault(f"{type(error).__name__}: {error}"[:200], f"{leaf} = {value[:40]}")
    with capsys.disabled():
        if every:
            print(f"\n{len(found)} leaves x {len(ODD)} values: {trials.tried} specs, {trials.accepted} accepted")
    assert not broken
    assert trials.accepted > 0
