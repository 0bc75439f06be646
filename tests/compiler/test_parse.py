"""YAML to a located tree: YAML 1.2 scalars, exact places, limits, reading on after errors. The wording of
every mistake is held by the goldens of `test_cases.py`."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.frontend import compose
from expc.compiler.frontend.parse import parse
from expc.compiler.frontend.reading import MAX_BYTES, load
from expc.compiler.render import as_text
from tests.compiler.specs import WHOLE, codes, plain, read, source

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 3e-4),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5e+3", -500.0),
        ("+12", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("20_000", "20_000"),
        ("0b11", "0b11"),
        ("2024-01-02", "2024-01-02"),
        ("1e", "1e"),
        ("..5", "..5"),
        ("tRue", "tRue"),
        ("'4'", "4"),
        ('"null"', "null"),
        ("!!str 4", "4"),
        ("!!float 4", 4),
        ("! 4", "4"),
        ("|\n  4\n", "4\n"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    made = plain(f"key: {text}\nend: x")["key"]
    assert made == value and type(made) is type(value)


@pytest.mark.parametrize(
    "text", ["9223372036854775808", "1" * 5000, "0x" + "f" * 30, ".inf", "-.INF", ".NaN", "1e999"]
)
def test_numbers_that_no_snapshot_can_hold_are_refused(text: str) -> None:
    root, found = read(f"key: {text}")
    assert codes(found) == ["E027"] and root is not None and root.value["key"].broken  # type: ignore[index, call-overload]


def test_keys_are_the_words_that_are_written() -> None:
    assert plain("no: 1\n1: 2\nnull: 3\n'': 4\n\"q\": 5") == {"no": 1, "1": 2, "null": 3, "": 4, "q": 5}


def test_aliases_repeat_values_and_keep_their_places() -> None:
    root, found = read("a: &x {b: 1}\nc: *x\n")
    assert root is not None and not found and root.plain() == {"a": {"b": 1}, "c": {"b": 1}}
    again = root.find(["c"])[0]
    assert str(again.key) == "spec.yaml:2:1" and str(again.child("b").span) == "spec.yaml:1:11"  # type: ignore[union-attr]


def test_places_are_exact() -> None:
    text = '标题: 深度  # comment\nbatch:\n  rows: 4\n\n  list: [1, "two"]\n# end\nlast: |\n  text\n'
    root, found = read(text)
    assert root is not None and not found

    def part(*path: str) -> str:
        span = root.find(path)[0].span
        return text[span.file.index(span.line, span.column) : span.file.index(span.end_line, span.end_column)]

    assert part("标题") == "深度"
    assert part("batch") == 'rows: 4\n\n  list: [1, "two"]'
    assert part("batch", "list", "1") == '"two"'
    assert part("last") == "|\n  text\n"


def test_after_a_syntax_error_the_other_sections_are_read() -> None:
    root, found = read("a: [1\nb: 2\nc: 'x\nd: {e: 3}\n")
    assert codes(found) == ["E012", "E012"] and root is not None
    assert [key for key, node in root.value.items() if node.broken] == ["a", "c"]  # type: ignore[union-attr]
    assert (root.plain()["b"], root.plain()["d"]) == (2, {"e": 3})  # type: ignore[index]


def test_more_errors_than_anyone_reads_end_somewhere() -> None:
    _, found = read("".join(f"key{n}: [1\n" for n in range(100)))
    assert 10 < len(found) <= 40


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "{" * 100_000, "- " * 100_000, "? " * 50_000, "a: " * 50_000, "&a " * 9000, "[a, " * 30_000],
    ids=["lists", "mappings", "items", "keys", "colons", "anchors", "entries"],
)  # fmt: skip
def test_hostile_nesting_is_refused_at_once(text: str) -> None:
    _, found = read(text)
    assert found and found[0].code.startswith("E0")


def test_every_case_reads_alike_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {path: source(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.yaml"))}
    fast = {path: parse(file) for path, file in files.items()}
    monkeypatch.setattr(compose, "LOADER", yaml.SafeLoader)
    for path, file in files.items():
        root, found = parse(file)
        assert root == fast[path][0], path.name
        assert as_text(found) == as_text(fast[path][1]), path.name


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(max_codepoint=0xD7FF), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(max_codepoint=0xD7FF), max_size=8).filter("<<".__ne__), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(VALUES)
def test_json_reads_as_what_it_is(value: object) -> None:
    assert plain(json.dumps({"key": value})) == {"key": value}


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    root, found = read(text)
    assert root is not None or found
    assert all(one.span is not None for one in found)
    as_text(found)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(list("\t\n :-[]{}'\"#&*!|>%@,?x0\\")), st.booleans()),
                min_size=1, max_size=6))  # fmt: skip
def test_no_damaged_spec_raises(damages: list[tuple[int, str, bool]]) -> None:
    text = (
        WHOLE
        + "optimizer:\n  betas: [0.8, 0.95]\n  matrix_lr: 1e-3  # rate\nphases:\n  - {from: 0}\n  - from: 3\n"
    )
    for at, char, insert in damages:
        at %= len(text)
        text = text[:at] + char + text[at + (not insert) :]
    root, found = read(text)
    assert root is not None or found
    as_text(found)


# files


def loaded(tmp_path: Path, data: bytes) -> tuple[str | None, list[str]]:
    (tmp_path / "spec.yaml").write_bytes(data)
    file, found = load(tmp_path / "spec.yaml", tmp_path)
    return file.text if file else None, [as_text([one]) for one in found]


def test_a_byte_order_mark_is_ignored_with_a_warning(tmp_path: Path) -> None:
    text, [warning] = loaded(tmp_path, b"\xef\xbb\xbfname: d8\n")
    assert text == "name: d8\n" and "warning W003" in warning


def test_the_place_of_a_byte_that_is_not_utf_8_is_shown(tmp_path: Path) -> None:
    text, [error] = loaded(tmp_path, "name: d8\ntitle: 深度".encode() + b"\xff")
    assert text is None
    assert error.startswith("spec.yaml:2:10: error E002: byte 0xff is not UTF-8\n    2 | title: 深度\n")


def test_utf_16_is_named(tmp_path: Path) -> None:
    _, [error] = loaded(tmp_path, "name: d8\n".encode("utf-16"))
    assert "this file is UTF-16, not UTF-8" in error


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    _, [error] = loaded(tmp_path, b"#" * (MAX_BYTES + 1))
    assert "larger than 1,000,000 bytes" in error


def refused(path: Path, workspace: Path) -> str:
    file, found = load(path, workspace)
    assert file is None and codes(found) == ["E001"]
    return as_text(found)


def test_a_missing_file_names_the_near_ones(tmp_path: Path) -> None:
    (tmp_path / "specs" / "shared").mkdir(parents=True)
    (tmp_path / "specs" / "d8_depth.yaml").touch()
    (tmp_path / "specs" / "shared" / "suites.yaml").touch()
    assert 'did you mean "specs/d8_depth.yaml"?' in refused(tmp_path / "specs" / "d8_detph.yaml", tmp_path)
    assert 'did you mean "specs/d8_depth.yaml"?' in refused(tmp_path / "specs" / "d8_depth", tmp_path)
    assert 'did you mean "specs/shared/suites.yaml"?' in refused(tmp_path / "specs" / "suites.yaml", tmp_path)
    assert "in that folder: d8_depth.yaml" in refused(tmp_path / "specs" / "q.yaml", tmp_path)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "it is a folder" in refused(tmp_path, tmp_path)
    assert "it is not a regular file" in refused(tmp_path / "pipe.yaml", tmp_path)
    assert "E001" in refused(tmp_path / "loop.yaml", tmp_path)
    assert "E001" in refused(tmp_path / ("x" * 5000), tmp_path)
    assert "E001" in refused(tmp_path / "a\0b", tmp_path)
    (tmp_path / "plain.yaml").touch()
    assert "E001" in refused(tmp_path / "plain.yaml" / "x.yaml", tmp_path)


def test_floats_keep_their_value() -> None:
    assert math.isclose(plain("x: 0.1")["x"], 0.1, rel_tol=0, abs_tol=0)
