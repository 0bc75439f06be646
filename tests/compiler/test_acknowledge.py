"""Warnings that are meant to stand: what is still printed, what the snapshot holds, what documents say in each language."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from expc.compiler.contract.rendering import Words
from expc.compiler.documents.design import render_design
from expc.compiler.handbook import HANDBOOK
from expc.compiler.pipeline import Compiled, Session
from tests.compiler.commands.shell import expc

EXAMPLES = Path(__file__).parent / "examples"
LATE = {"checkpoint": {"every": 5000}}
REASON = {"zh": "一个检查点就够。", "en": "One checkpoint is enough."}


def child(folder: Path, profile: str | None = None, name: str = "child", base: str = "parent", **overlay: object) -> Compiled:
    """A spec over another of the example workspace."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    spec = folder / "specs" / f"{name}.yaml"
    spec.write_text(yaml.safe_dump({"extends": f"{base}.yaml", "name": name, **overlay}, allow_unicode=True))
    return Session(folder, profile).compile(spec)


def said(one: Compiled) -> tuple[list[str], list[str]]:
    """(codes that are printed, codes that are acknowledged)."""
    return [found.code for found in one.diagnostics], [taken.warning.code for taken in one.acknowledged]


@pytest.mark.parametrize("at", [None, "checkpoint", "checkpoint.every", "steps"])
def test_an_acknowledged_warning_is_not_printed_but_frozen_with_its_reason(at: str | None, tmp_path: Path) -> None:
    entry = {"code": "W306", "reason": REASON} | ({"at": at} if at else {})
    one = child(tmp_path, **LATE, acknowledge=[entry])
    assert said(one) == ([], ["W306"]) and one.experiment is not None
    frozen = one.experiment.warnings
    assert [(warning.code, warning.reason) for warning in frozen] == [("W306", REASON)]


@pytest.mark.parametrize("at", ["eval", "check", "checkpoint.every.more"])
def test_a_place_where_the_warning_does_not_stand(at: str, tmp_path: Path) -> None:
    one = child(tmp_path, **LATE, acknowledge=[{"code": "W306", "at": at, "reason": "x"}])
    assert sorted(said(one)[0]) == ["W306", "W391"]
    assert "W306 stands at checkpoint.every" in next(str(found.help) for found in one.diagnostics if found.code == "W391")


@pytest.mark.parametrize(("code", "hint"), [
    ("W360", "did you mean"), ("E303", "cannot be acknowledged"), ("much", "no warning")])
def test_a_code_of_no_warning_is_an_error(code: str, hint: str, tmp_path: Path) -> None:
    found = child(tmp_path, acknowledge=[{"code": code, "reason": "x"}]).diagnostics
    assert [one.code for one in found] == ["E386"]
    assert hint in f"{found[0].message} {found[0].help}"


@pytest.mark.parametrize("reason", ["", " \t", {"en": ""}, {"zh": "够了。", "en": " "}])
def test_a_reason_has_words(reason: object, tmp_path: Path) -> None:
    one = child(tmp_path, **LATE, acknowledge=[{"code": "W306", "reason": reason}])
    assert said(one)[0] == ["E387"]


def test_inherited_acknowledgements_hold_and_are_not_said_to_be_unused(tmp_path: Path) -> None:
    overlay = {**LATE, "acknowledge": [{"code": "W306", "reason": "x"}], "profiles": {"short": {"checkpoint": {"every": 100}}}}
    assert said(child(tmp_path, **overlay)) == ([], ["W306"])
    assert said(child(tmp_path, "short", **overlay)) == ([], [])
    assert said(child(tmp_path, name="heir", base="child")) == ([], ["W306"])
    assert said(child(tmp_path, name="heir", base="child", checkpoint={"every": 100})) == ([], [])


def test_a_profile_acknowledges_for_itself(tmp_path: Path) -> None:
    own = {**LATE, "acknowledge": [{"code": "W306", "reason": "x"}]}
    assert said(child(tmp_path, "late", profiles={"late": own})) == ([], ["W306"])
    assert said(child(tmp_path, "late", profiles={"late": {"acknowledge": own["acknowledge"]}})) == (["W391"], [])


def test_check_and_build_count_them(tmp_path: Path) -> None:
    child(tmp_path, **LATE, acknowledge=[{"code": "W306", "reason": REASON}])
    checked, built = (expc(tmp_path, word, "specs/child.yaml") for word in ("check", "build"))
    assert checked.stdout == "1 experiment is sound, 1 warning acknowledged\n" and checked.stderr == ""
    assert "new or changed, 1 warning acknowledged" in built.stdout and built.stderr == ""


def test_each_document_speaks_its_own_language(tmp_path: Path) -> None:
    overlay = {"hardware": {"memory_budget": "1.5GB"}, **LATE, "acknowledge": [{"code": "W306", "reason": REASON}]}
    experiment = child(tmp_path, **overlay).experiment
    assert experiment is not None and [one.code for one in experiment.warnings] == ["W321", "W306"]
    chinese, english = (render_design(experiment, language) for language in ("zh", "en"))
    assert "每 5,000 步一次，而本次运行只有 1,000 步<br>理由：一个检查点就够。" in chinese
    assert "every 5,000 steps, but the run takes 1,000<br>Reason: One checkpoint is enough." in english
    assert "余量只有" in chinese and "a margin of" in english


@pytest.mark.parametrize("code", sorted(code for code in HANDBOOK if code[0] == "W"))
def test_every_warning_has_a_sentence_in_each_language(code: str) -> None:
    assert all(f"warning.{code}" in Words(language) for language in ("zh", "en"))


@pytest.mark.parametrize("code", sorted(code for code in HANDBOOK if code[:2] in ("W3", "W4") and code != "W391"))
def test_the_sentence_holds_the_computed_figures(code: str, tmp_path: Path) -> None:
    wrong = HANDBOOK[code].wrong
    assert wrong is not None
    one = child(tmp_path, **yaml.safe_load(wrong.text))
    assert one.experiment is not None
    texts = [warning.text for warning in one.experiment.warnings if warning.code == code]
    assert texts and all(set(text) == {"zh", "en"} and "{" not in text["zh"] for text in texts)
