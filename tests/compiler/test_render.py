"""The same finding as text, JSON, SARIF and annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.diagnostics import Diagnostic, Note
from expc.compiler.render import WIDTH, as_github, as_json, as_sarif, as_text, summary, visible, width
from tests.compiler.specs import check, source
from tests.conftest import Golden

BASE = source("".join(f"# {n}\n" for n in range(20)) + "optimizer:\n", "specs/d8_depth.yaml")
SPEC = source("".join(f"# {n}\n" for n in range(13)) + "  matrx_lr: 0.016\n", "specs/d8_v2.yaml")
START = SPEC.index(14, 3)
UNKNOWN = Diagnostic(
    "E102",
    'unknown key "matrx_lr" in optimizer',
    SPEC.span(START, START + 8),
    'did you mean "matrix_lr"?',
    (Note("optimizer is inherited from", BASE.span(BASE.index(21, 1), BASE.index(21, 10))),),
)
PLAIN = Diagnostic("W003", "100% sure:\nnot a place", None, None, (Note("a note, only"),))


def test_text_has_place_excerpt_caret_help_and_note() -> None:
    assert as_text([UNKNOWN]) == (
        'specs/d8_v2.yaml:14:3: error E102: unknown key "matrx_lr" in optimizer\n'
        "   14 |   matrx_lr: 0.016\n"
        "      |   ^^^^^^^^\n"
        '  help: did you mean "matrix_lr"?\n'
        "  note: optimizer is inherited from specs/d8_depth.yaml:21:1\n"
    )


def test_nothing_found_is_no_text() -> None:
    assert as_text([]) == "" and summary([]) == "no problems"


def test_colour_changes_nothing_but_the_colour() -> None:
    coloured = as_text([UNKNOWN, PLAIN], colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == as_text([UNKNOWN, PLAIN])


def test_the_summary_counts() -> None:
    assert summary([UNKNOWN, UNKNOWN, PLAIN]) == "2 errors, 1 warning"


def caret(text: str, part: str) -> tuple[int, int]:
    """Terminal columns of the part and of the carets below it."""
    file = source(text)
    at = text.index(part)
    _, line, under, *_ = as_text([Diagnostic("E102", "x", file.span(at, at + len(part)))]).splitlines()
    assert under.count("^") == width(part)
    return width(line[: line.index(visible(part))]), under.index("^")


def test_carets_stand_under_wide_and_combining_characters() -> None:
    for text in ("标题: x", "标题: 深度", "e\u0301tude: x", "🎸🎸: x", "a:\tx", "ｗｉｄｅ: 深x"):
        below, at = caret(text, text.split(":")[1].strip())
        assert below == at


def test_long_lines_are_cut_around_the_caret() -> None:
    text = "key: " + "深" * 400 + " HERE " + "x" * 400
    below, at = caret(text, "HERE")
    assert below == at < WIDTH


@pytest.mark.parametrize("part", ["A", "HERE", "Z"])
@pytest.mark.parametrize("filler", ["x", "深", "e\u0301", "\t", "ש", "🎸"])
def test_no_excerpt_is_wider_than_it_should_be(filler: str, part: str) -> None:
    text = "A" + filler * 400 + "HERE" + filler * 400 + "Z"
    below, at = caret(text, part)
    assert below == at
    at = text.index(part)
    shown = as_text([Diagnostic("E102", "x", source(text).span(at, at + len(part)))])
    assert max(map(width, shown.splitlines())) < WIDTH + 12


def test_nothing_in_a_text_can_act_on_the_terminal() -> None:
    hostile = "a\x1b[31m\u202e\x07\x9b\udc80b"
    file = source(hostile)
    made = as_text([Diagnostic("E102", hostile, file.span(0, 1), hostile, (Note(hostile),))])
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", made)
    made.encode("utf-8")


def test_json_holds_everything() -> None:
    unknown, plain = json.loads(as_json([UNKNOWN, PLAIN]))["diagnostics"]
    assert unknown == {
        "code": "E102",
        "severity": "error",
        "message": 'unknown key "matrx_lr" in optimizer',
        "file": "specs/d8_v2.yaml",
        "line": 14,
        "column": 3,
        "end_line": 14,
        "end_column": 11,
        "help": 'did you mean "matrix_lr"?',
        "notes": [
            {
                "text": "optimizer is inherited from",
                "file": "specs/d8_depth.yaml",
                "line": 21,
                "column": 1,
                "end_line": 21,
                "end_column": 10,
            }
        ],
    }
    assert plain["file"] is None and plain["severity"] == "warning"


def test_sarif_is_as_the_golden_says(golden: Golden) -> None:
    golden(as_sarif([UNKNOWN, PLAIN]), "cases/render.sarif")


URI = re.compile(r"(?:[A-Za-z0-9._~/!$&'()*+,;=@-]|%[0-9A-F]{2})+")  # no scheme, so no colon


def assert_sarif(text: str, count: int) -> None:
    """What SARIF 2.1.0 asks of a log, as far as ours has it (sections 3.13 to 3.52 of the standard)."""
    log = json.loads(text)
    [run] = log["runs"]
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert run["tool"]["driver"]["name"] == "expc" and len(rules) == len(set(rules))
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints") and len(run["results"]) == count
    for result in run["results"]:
        assert result["ruleId"] in rules and result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        related = result.get("relatedLocations", [])
        assert all(one["message"]["text"] for one in related)
        for location in [*result.get("locations", []), *(one for one in related if "physicalLocation" in one)]:
            place = location["physicalLocation"]
            assert URI.fullmatch(place["artifactLocation"]["uri"])
            region = place["region"]
            start, end = (region["startLine"], region["startColumn"]), (region["endLine"], region["endColumn"])
            assert (1, 1) <= start <= end and min(start[1], end[1]) >= 1


def test_sarif_keeps_to_the_standard(tmp_path: Path) -> None:
    cases = Path(__file__).parent / "cases"
    for path in sorted(cases.glob("[!_]*.yaml")):
        _, found = check(cases, path.name)
        assert_sarif(as_sarif(found), len(found))
    for name in ("深度 1.yaml", "a:b%c#d?.yaml", "a\\b.yaml", "\udcff.yaml"):
        assert_sarif(as_sarif([Diagnostic("E102", "x", source("a: 1", name).span(0, 1))]), 1)


@pytest.mark.parametrize("form", [as_text, as_json, as_sarif, as_github])
def test_a_file_name_of_any_bytes_can_be_printed(form: Callable[[list[Diagnostic]], str]) -> None:
    found = Diagnostic("E102", "x", source("a: 1", "\udcff,:%\n::error::.yaml").span(0, 1))
    made = form([found])
    made.encode("utf-8")
    assert "\n::error" not in made


def test_github_annotations_are_escaped() -> None:
    assert as_github([UNKNOWN, PLAIN]) == (
        '::error file=specs/d8_v2.yaml,line=14,col=3,title=E102::unknown key "matrx_lr" in optimizer'
        '%0Ahelp: did you mean "matrix_lr"?%0Anote: optimizer is inherited from specs/d8_depth.yaml:21:1\n'
        "::warning title=W003::100%25 sure:%0Anot a place%0Anote: a note, only\n"
    )


@given(st.text(max_size=60), st.text(max_size=30), st.integers(0, 70), st.integers(0, 70))
def test_any_text_renders(text: str, message: str, start: int, end: int) -> None:
    found = [
        Diagnostic("E102", message, source(text, "a,b:%.yaml").span(start, end), message, (Note(message),))
    ]
    for made in (
        as_text(found),
        as_text(found, colour=True),
        as_json(found),
        as_sarif(found),
        as_github(found),
    ):
        made.encode("utf-8")
        assert made.endswith("\n")
    assert len(as_github(found).splitlines()) == 1
