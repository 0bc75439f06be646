"""Every mistake in `cases/` is shown exactly as its golden says: place, caret, words, help, notes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from expc.compiler.codes import CODES
from expc.compiler.render import as_text, summary
from tests.compiler.specs import check
from tests.conftest import Golden

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("[!_]*.yaml"))


def shown(name: str) -> str:
    """A case's output; its first comments hold the options: `# profile: smoke`, `# set: seed=1`."""
    text = (CASES / f"{name}.yaml").read_text(encoding="utf-8")
    profiles = re.findall(r"^# profile: (.*)$", text, re.MULTILINE)
    overrides = re.findall(r"^# set: (.*)$", text, re.MULTILINE)
    _, found = check(CASES, f"{name}.yaml", profiles[0] if profiles else None, overrides)
    assert {one.code for one in found} <= set(CODES)
    return f"{as_text(found)}\n{summary(found)}\n"


@pytest.mark.parametrize("name", NAMES)
def test_shows_the_mistakes_of(name: str, golden: Golden) -> None:
    golden(shown(name), f"cases/{name}.txt")


def test_every_case_has_a_mistake_and_every_golden_a_case() -> None:
    assert {path.stem for path in CASES.glob("*.txt")} == set(NAMES)
    assert not [name for name in NAMES if "no problems" in shown(name)]
