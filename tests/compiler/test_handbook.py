"""Every code of the checks has a wrong example that gives it and a right one that does not; the handbook and its page hold
exactly the codes that the compiler prints."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest
import yaml

from expc.compiler.checks import CHECKS
from expc.compiler.codes import CODES, Example, page
from expc.compiler.commands.explain import explain, handbook
from expc.compiler.handbook import HANDBOOK
from expc.compiler.pipeline import Session
from expc.compiler.render import as_text

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "examples"
OVERLAYS = {code: one for code, one in HANDBOOK.items() if code not in CODES}


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


FRAGMENTS = sorted(CODES)


def said_of(folder: Path, example: Example) -> set[str]:
    """The codes that a fragment of a spec gives; all that is missing beside it does not count."""
    shutil.copytree(EXAMPLES, folder)
    for name, text in {"spec.yaml": example.text, **example.files}.items():
        (folder / "specs" / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    found = Session(folder, example.profile).compile(folder / "specs" / example.asked, example.overrides).diagnostics
    return {one.code for one in found}


@pytest.mark.parametrize("code", FRAGMENTS)
def test_the_examples_of_reading_and_shape_hold(code: str, tmp_path: Path) -> None:
    wrong, right = CODES[code].wrong, CODES[code].right
    assert wrong is not None and right is not None
    assert code in said_of(tmp_path / "wrong", wrong)
    assert said_of(tmp_path / "right", right) <= {"E103", "E417"} - {code}  # a fragment has no length either


def test_the_plain_example_is_sound(tmp_path: Path) -> None:
    assert codes(tmp_path, "{}") == set()


def test_every_code_is_explained_once() -> None:
    own = [one.code for check in CHECKS for one in check.CODES]
    assert len(own) == len(set(own))
    assert all(entry.title and entry.text for entry in HANDBOOK.values())
    assert all(code == entry.code for code, entry in HANDBOOK.items())


def printed() -> Iterator[str]:
    """Every code in the compiler's source, but for the entries of the handbook and what is said of codes in words."""
    for path in sorted((ROOT / "compiler").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        entries = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "entry"]
        inside = {id(part) for one in entries for part in ast.walk(one)}
        words = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)}
        for one in ast.walk(tree):
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in inside | words:
                yield from re.findall(r"(?:^|error )([EW][0-9]{3})\b(?!$.)", one.value)


def test_the_handbook_has_the_codes_that_are_printed_and_no_others() -> None:
    assert set(printed()) == set(HANDBOOK)


def test_the_committed_page_is_the_handbook() -> None:
    assert (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8") == page(HANDBOOK), (
        "run: expc explain --all > docs/diagnostics.md")


def test_the_page_begins_with_what_check_prints_of_a_shipped_spec(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    spec = tmp_path / "specs" / "d8_v2.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("  matrix_lr: 0.016", "  matrx_lr: 0.016", 1), encoding="utf-8")
    said = as_text([one for one in Session(tmp_path).compile(spec).diagnostics if one.code == "E102"])
    assert indent(said.split("  note:")[0], "    ") in page(HANDBOOK)


def test_the_page_has_a_row_and_an_entry_for_each_code() -> None:
    shown = page(HANDBOOK)
    assert re.findall(r"^## (\w+)$", shown, re.MULTILINE) == re.findall(r"^\| \[(\w+)\]", shown, re.MULTILINE)
    assert set(re.findall(r"^## (\w+)$", shown, re.MULTILINE)) == set(HANDBOOK)
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_every_entry_is_printed_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    for code in HANDBOOK:
        assert explain(code, None, None, (), False, as_json=False) == explain(code, None, None, (), False, as_json=True) == 0
    assert handbook(as_json=True) == 0
    capsys.readouterr().out.encode()
    assert handbook(as_json=False) == 0
    assert capsys.readouterr().out == page(HANDBOOK)
