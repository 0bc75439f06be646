"""Places in texts: characters, not bytes; lines as editors count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.specs import read, source


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_editors_see_it(end: str) -> None:
    file = source(f"a{end}bb{end}{end}c")
    assert file.lines == ["a", "bb", "", "c"]
    assert file.position(file.text.index("c")) == (4, 1)


def test_columns_are_characters_not_bytes_or_columns() -> None:
    file = source("深度: 3")
    assert file.position(file.text.index("3")) == (1, 5)


def test_past_the_end_is_the_end() -> None:
    assert source("ab\n").position(99) == (2, 1)


@given(st.text(alphabet="a度\r\n\t ", max_size=30), st.integers(0, 30))
def test_index_undoes_position(text: str, index: int) -> None:
    file = source(text)
    line, column = file.position(index)
    at = file.index(line, column)
    assert at == min(index, len(text))
    assert file.lines[line - 1][: column - 1] == text[at - column + 1 : at].rstrip("\r\n")


def test_a_span_prints_as_a_place_that_editors_open() -> None:
    assert str(source("a: 1").span(3, 4)) == "spec.yaml:1:4"


def test_nodes_are_found_by_path_and_end_at_the_nearest_ancestor() -> None:
    root, _ = read("eval:\n  compare:\n    - spec: a.yaml\n    - spec: b.yaml\n")
    assert root is not None
    assert root.find(["eval", "compare", "1", "spec"])[0].value == "b.yaml"
    node, depth = root.find(["eval", "compare", "7", "spec"])
    assert depth == 2 and str(node.place) == "spec.yaml:2:3"


@pytest.mark.parametrize("segment", ["-1", "1.0", "²", "x", "", "999999999999999999999"])
def test_only_digits_within_the_list_are_an_index(segment: str) -> None:
    root, _ = read("[1, 2]")
    assert root is not None and root.child(segment) is None
