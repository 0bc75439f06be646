"""Every single value of every shipped spec set to odd ones: what comes out is a diagnostic, or a build whose files can be made.

A sample in the test suite, drawn by a seed; `EXPC_EVERY_LEAF=1 pytest tests/fuzz/test_leaves.py` tries all of them.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from expc.compiler.pipeline import Session
from tests.compiler.commands.shell import ROOT
from tests.fuzz.leaves import EVERY, Leaf, everywhere, overlay
from tests.fuzz.limits import bounded
from tests.fuzz.survival import survives

SECONDS = 25
MOST = "9" * 300
ODD = ('""', '" "', '"\\0"', '"\\n"', '"x"', '"${name}"', '"${model.family}"', "0", "-1", "1", "2", "0.5", "-0.0", "1e-300",
       "5e-324", "1e15", "1e300", "1.7976931348623157e308", "-1e308", "9223372036854775807", ".nan", ".inf", "true", "null",
       "[]", "[0]", '[""]', "{}", '{"": 1}', '"0"', '"0s"', '"0B"', '"0%"', '"100%"', f'"{MOST}"', f'"{MOST}s"', f'"{MOST}GB"',
       f'"{MOST}%"', f'"0.{"0" * 300}1s"', f'"0.{"0" * 300}1%"', '"1 epoch"', '"999B epochs"', '"2026-99-99"')
"""Values as YAML writes them."""


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
    if not EVERY:
        random.Random(request.config.getoption("--fuzz-seed")).shuffle(cases)
    until = time.monotonic() + SECONDS
    broken: dict[str, str] = {}
    for leaf, value in cases:
        if not EVERY and time.monotonic() > until:
            break
        try:
            trials.run(leaf, value)
        except Exception as error:  # all of them are wanted, one of a kind
            broken.setdefault(f"{type(error).__name__}: {error}"[:200], f"{leaf} = {value[:40]}")
    with capsys.disabled():
        if EVERY:
            print(f"\n{len(found)} leaves x {len(ODD)} values: {trials.tried} specs, {trials.accepted} accepted")
    assert not broken
    assert trials.accepted > 0
