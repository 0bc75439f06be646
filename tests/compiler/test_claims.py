"""What documents claim and specs restate: each fault is found, each claim belongs to the spec that states it."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract import snapshot
from expc.compiler.contract.claims import Claims, Machine, Range, Stated
from expc.compiler.handbook import HANDBOOK
from expc.compiler.pipeline import Compiled, Session
from expc.compiler.reckon import memory_line
from expc.compiler.render import as_text, summary
from tests.compiler.commands.shell import expc
from tests.conftest import Golden

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "examples"
SOURCES = {f"specs/source/{path.name}": ROOT for path in sorted((ROOT / "specs/source").glob("*.yaml"))}
CASES = SOURCES | {f"specs/documents/{path.name}": EXAMPLES for path in sorted((EXAMPLES / "specs/documents").glob("*.yaml"))}
TABLE = ROOT / "docs" / "inconsistencies.md"


@cache
def compiled(name: str) -> Compiled:
    workspace = CASES[name]
    return Session(workspace).compile(workspace / name)


def child(tmp_path: Path, profile: str | None = None, **overlay: object) -> Compiled:
    """A spec over the example spec, compiled in a workspace of its own."""
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "specs" / "child.yaml"
    spec.write_text(yaml.safe_dump({"extends": "parent.yaml", "name": "child", **overlay}))
    return Session(tmp_path, profile).compile(spec)


def codes(one: Compiled) -> list[str]:
    return [found.code for found in one.diagnostics]


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_a_document(name: str, golden: Golden) -> None:
    found = compiled(name).diagnostics
    golden(f"{as_text(found)}\n{summary(found)}\n", f"claims/{Path(name).stem}.txt")


def test_every_golden_has_a_case() -> None:
    assert {path.stem for path in (Path(__file__).parent / "claims").iterdir()} == {Path(name).stem for name in CASES}


def rows() -> list[tuple[str, set[str], str]]:
    """(item, codes, case) of every line of the table of inconsistencies."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in TABLE.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d{3}-\d+", line)]
    return [(cell[0], set(re.findall(r"\b[EW]\d{3}\b", cell[2])), cell[3].strip("`")) for cell in cells]


def test_the_table_has_every_document_and_names_codes_that_there_are() -> None:
    items = [item for item, _, _ in rows()]
    assert len(items) == len(set(items)) and {item[:3] for item in items} == {"000", "001", "002", "003", "004"}
    assert {code for _, found, _ in rows() for code in found} <= set(HANDBOOK)


@pytest.mark.parametrize(("item", "found", "case"), [row for row in rows() if row[2]])
def test_each_claimed_code_is_given_by_its_case(item: str, found: set[str], case: str) -> None:
    assert found <= set(codes(compiled(next(name for name in CASES if Path(name).stem == case))))


def test_figures_are_set_beside_what_the_spec_gives(tmp_path: Path) -> None:
    claims = {"parameters": "19M", "samples": "8k", "epochs": 0.5,
              "machines": [{"target": "rtx_4090", "tokens_per_second": "4096", "train_time": ["16m", "17m"]}]}
    one = child(tmp_path, claims=claims)
    assert codes(one) == [] and one.experiment is not None
    stated = {figure.quantity: figure.computed for figure in one.experiment.claims.everything()}
    computed = {name: (value.low, value.high) if value else None for name, value in stated.items()}
    assert computed == {"parameters": (18_874_368, 18_874_368), "samples": None, "epochs": (0.5, 0.5),
                        "tokens_per_second": None, "train_time": (1000.0, 1000.0)}
    assert snapshot.loads(snapshot.dumps(one.experiment)).claims == one.experiment.claims


@pytest.mark.parametrize("claims", [{"parameters": ["20M", "10M"]}, {"parameters": "1.0000001M", "samples": "9" * 20},
                                    {"losses": [{"of": "run 1", "value": [8, 7]}]}, {"tokens": "9" * 400},
                                    {"losses": [{"of": "run 1", "step": "1.5", "value": 8}]},
                                    {"optimizer_state": "9" * 400 + "GB"},
                                    {"machines": [{"target": "cpu", "tokens_per_second": 1e-320}]}])
def test_a_figure_that_cannot_be_read_is_said(claims: dict[str, object], tmp_path: Path) -> None:
    assert set(codes(child(tmp_path, claims=claims))) == {"E110"}


def test_claims_are_about_the_spec_that_states_them(tmp_path: Path) -> None:
    profiles = {"small": {"model": {"vocabulary": 512}}, "own": {"claims": {"tokens": "1M"}}}
    stating = {"claims": {"parameters": "19M"}, "profiles": profiles}
    plain, small, own = (child(tmp_path, profile, **stating) for profile in (None, "small", "own"))
    heir = tmp_path / "specs" / "heir.yaml"
    heir.write_text("extends: child.yaml\nname: heir\nmodel: {vocabulary: 512}\n")
    for one, names in ((plain, ["parameters"]), (small, []), (Session(tmp_path).compile(heir), [])):
        assert one.experiment is not None, one.diagnostics
        assert [figure.quantity for figure in one.experiment.claims.figures] == names
    assert codes(own) == ["E380"]


@pytest.mark.parametrize("words", [("build",), ("build", "--check"), ("build", "--out", "elsewhere")])
def test_specs_that_restate_a_document_are_never_built(words: tuple[str, ...], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    name = "specs/source/000_alphatex_other_vocabulary.yaml"
    refused = expc(tmp_path, *words, name)
    assert refused.returncode == 64 and f"run `expc check {name}`" in refused.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"specs"}
    assert expc(tmp_path, "check", name).returncode == 1
    assert expc(tmp_path, "check").returncode == 0


numbers = st.floats(1e-6, 1e9)


@given(numbers, numbers, numbers)
def test_a_time_that_follows_from_its_speed_never_contradicts_it(speed: float, faster: float, work: float) -> None:
    stated = Range(min(speed, faster), max(speed, faster))
    took = stated.inverse(work)
    assert took.low <= took.high
    assert took.meets(Range(work / speed, work / speed), 1e-9)
    assert not Range(took.high * 1.2, took.high * 1.3).meets(took, 0.1)


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 10**9), st.integers(1, 10**12))
def test_a_line_of_memory_goes_through_both_peaks(few: int, more: int, each: int, fixed: int) -> None:
    def machine(rows: int) -> Machine:
        peak = float(fixed + each * rows)
        return Machine("", "h200", "", 1, rows, False, (Stated("", "peak_memory", "bytes", Range(peak, peak), None, None),))

    line = memory_line(Claims((), (), (machine(few), machine(few + more)), (), ()))
    assert line is not None and line.each == pytest.approx(each)
    assert line.at(few + more) == pytest.approx(fixed + each * (few + more))
    assert memory_line(Claims((), (), (machine(few), machine(few)), (), ())) is None
