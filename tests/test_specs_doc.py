"""`docs/specs.md` against the language: every section and metric is in it, its examples compile, its commands run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from expc.compiler.cli import commands
from expc.compiler.diagnostics import Severity
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.handbook import HANDBOOK
from expc.compiler.lowering.bounds import metrics
from expc.compiler.pipeline import Session
from expc.compiler.render import as_text
from expc.compiler.spec_schema import complete

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "specs.md").read_text(encoding="utf-8")
BLOCKS = [re.sub(r"^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .*\n)+", PAGE, re.M)]
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("expc ")]
SPECS = [block for block in BLOCKS if not block.startswith(("expc ", "#"))]
UNITS = {"nats": "nats a token", "fraction": "share", "per_second": "1/s"}


def rows(heading: str) -> list[list[str]]:
    """Cells of the table with this first column's heading, without the lines of its head."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_section_is_in_the_table() -> None:
    named = {name for row in rows("section") for name in re.findall(r"`([a-z]+)`", row[0])}
    assert named == set(complete()["properties"])


def test_every_metric_is_in_the_table_with_its_unit() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("metric")}
    known = {name: UNITS.get(one.unit, one.unit) for name, one in metrics("gpt", ("<suite>",)).items()}
    assert told == known


def test_keys_that_are_named_exist() -> None:
    sections = "|".join(complete()["properties"])
    named = set(re.findall(rf"`((?:{sections})\.[a-z_.]+)`", PAGE)) - set(metrics("gpt", ())) - {"profiles.smoke"}
    assert len(named) >= 5
    assert named - set(map(".".join, Shapes(complete()).all_paths)) == set()


@pytest.mark.parametrize("text", SPECS, ids=lambda text: text.split(":")[0])
def test_an_example_compiles(workspace: Path, text: str) -> None:
    spec = workspace / "specs" / "example.yaml"
    spec.write_text(f"expc: 1\nname: example\nextends: d8_depth.yaml\nnotes: null\n{text}", encoding="utf-8")
    assert isinstance(yaml.safe_load(text), dict)
    found = [one for one in Session(workspace).compile(spec).diagnostics if one.severity is Severity.ERROR]
    judged = "E38"  # a claim on the page is somebody else's and may be wrong
    assert [one for one in found if not one.code.startswith(judged)] == [], as_text(found)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(workspace: Path, command: str) -> None:
    done = CliRunner().invoke(commands, command.split()[1:])
    assert done.exit_code == 0, done.output


def test_there_are_examples_and_codes_exist() -> None:
    assert SPECS and COMMANDS
    assert set(re.findall(r"\b[EW]\d{3}\b", PAGE)) <= set(HANDBOOK)
