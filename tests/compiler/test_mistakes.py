"""Mistakes in whole specs, as `expc check` shows them: every file in `mistakes/` is put beside the handbook's example specs
and compiled bare and under each of its profiles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from expc.compiler.diagnostics import ordered
from expc.compiler.handbook import HANDBOOK
from expc.compiler.pipeline import Session
from expc.compiler.render import as_text, summary
from tests.conftest import Golden

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in (HERE / "mistakes").glob("*.yaml"))


def shown(workspace: Path, text: str, name: str = "mistake") -> str:
    """What is said about a spec of this text."""
    shutil.copytree(HERE / "examples", workspace, dirs_exist_ok=True)
    spec = workspace / "specs" / f"{name}.yaml"
    spec.write_text(text, encoding="utf-8")
    bare = Session(workspace).compile(spec)
    assert bare.experiment is None
    found = [*bare.diagnostics]
    for profile in bare.resolved.profiles if bare.resolved else ():
        found += Session(workspace, profile).compile(spec).diagnostics
    assert {one.code for one in found} <= set(HANDBOOK)
    return f"{as_text(ordered(found))}\n{summary(ordered(found))}\n"


@pytest.mark.parametrize("name", NAMES)
def test_shows_the_mistakes_of(name: str, golden: Golden, tmp_path: Path) -> None:
    text = (HERE / "mistakes" / f"{name}.yaml").read_text(encoding="utf-8")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "middle.yaml").write_text("extends: parent.yaml\nmodel: {heads: 7.5}\n")
    golden(shown(tmp_path, text, name), f"mistakes/{name}.txt")


def test_every_golden_has_a_case() -> None:
    assert {path.stem for path in (HERE / "mistakes").glob("*.txt")} == set(NAMES)


def test_a_link_that_leads_nowhere_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "link.yaml").symlink_to("gone.yaml")
    for text in ("extends: link.yaml\n", "extends: parent.yaml\nname: x\nresume: {from: link.yaml, step: 500}\n"):
        assert 'link.yaml" is a link that leads nowhere: there is no "gone.yaml"' in shown(tmp_path, text)


def test_a_link_cannot_lead_out_of_the_workspace(tmp_path: Path) -> None:
    workspace, outside = tmp_path / "workspace", tmp_path / "outside.yaml"
    shutil.copytree(HERE / "examples", workspace)
    outside.write_text("name: outside\n")
    (workspace / "specs" / "link.yaml").symlink_to(outside)
    for text in ("extends: link.yaml\n", "extends: parent.yaml\nname: x\nresume: {from: link.yaml, step: 500}\n"):
        assert "leaves the workspace" in shown(workspace, text)
