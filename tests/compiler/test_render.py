"""The same finding as text, JSON, SARIF and annotations."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.diagnostics import Diagnostic, Note
from expc.compiler.render import as_github, as_json, as_sarif, as_text, summary, visible, width
from tests.compiler.specs import source
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
    assert below == at < 300


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
