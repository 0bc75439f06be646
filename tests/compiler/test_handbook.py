"""Every code of the checks has a wrong example that gives it and a right one that does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from expc.compiler.checks import CHECKS
from expc.compiler.codes.acknowledgements import ACKNOWLEDGEMENTS
from expc.compiler.codes.experiments import EXPERIMENTS
from expc.compiler.handbook import HANDBOOK
from expc.compiler.pipeline import Session

EXAMPLES = Path(__file__).parent / "examples"
OVERLAYS = {one.code: one for one in (*EXPERIMENTS, *ACKNOWLEDGEMENTS, *(one for check in CHECKS for one in check.CODES))}


def codes(tmp_path: Path, overlay: str) -> set[str]:
    """The codes that a spec gives which puts the overlay over the example spec."""
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "specs" / "child.yaml"
    spec.write_text(yaml.safe_dump({"extends": "parent.yaml", "name": "child"} | yaml.safe_load(overlay), allow_unicode=True))
    return {one.code for one in Session(tmp_path).compile(spec).diagnostics}


@pytest.mark.parametrize("code", sorted(OVERLAYS))
def test_the_wrong_example_gives_the_code(code: str, tmp_path: Path) -> None:
    assert code in codes(tmp_path, OVERLAYS[code].wrong.text)


@pytest.mark.parametrize("code", sorted(OVERLAYS))
def test_the_right_example_gives_no_error_and_not_the_code(code: str, tmp_path: Path) -> None:
    found = codes(tmp_path, OVERLAYS[code].right.text)
    assert code not in found
    assert not {one for one in found if one.startswith("E")}


def test_the_plain_example_is_sound(tmp_path: Path) -> None:
    assert codes(tmp_path, "{}") == set()


def test_every_code_is_explained_once() -> None:
    own = [one.code for check in CHECKS for one in check.CODES]
    assert len(own) == len(set(own))
    assert all(entry.title and entry.text for entry in HANDBOOK.values())
    assert all(code == entry.code for code, entry in HANDBOOK.items())
