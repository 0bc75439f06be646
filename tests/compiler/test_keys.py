"""Keys as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.frontend.keys import NoKey, is_known, meant, path_of, written
from expc.compiler.frontend.resolve import Resolved
from expc.compiler.frontend.shapes import Shapes
from tests.compiler.specs import SCHEMA, WHOLE, read, sound, write

TREE, _ = read("""
expect: [{metric: valid_loss, below: 1}, {metric: eval.tab, below: 2}, {metric: valid_loss, below: 3}]
notes: [{about: a.b}]
compare: [{spec: other/d4.yaml}]
suites: {a.b: {weight: 1}}
plain: [3, 4]
""")


@pytest.mark.parametrize("key, path", [
    ("steps", ("steps",)),
    ("optimizer.matrix_lr", ("optimizer", "matrix_lr")),
    ("expect.0.below", ("expect", "0", "below")),
    ("expect[1].below", ("expect", "1", "below")),
    ("expect[eval.tab].below", ("expect", "1", "below")),
    ("expect[valid_loss#2].below", ("expect", "2", "below")),
    ("notes[a.b]", ("notes", "0")),
    ("compare[d4].spec", ("compare", "0", "spec")),
    ('suites."a.b".weight', ("suites", "a.b", "weight")),
    (r'suites."a\"b"', ("suites", 'a"b')),
    ("plain[7]", ("plain", "7")),
    ("", ()),
])  # fmt: skip
def test_a_key_has_parts(key: str, path: tuple[str, ...]) -> None:
    assert TREE is not None and path_of(key, TREE) == path


@pytest.mark.parametrize("key", [".", "a.", ".a", "a..b", "a[", "a]b", 'a"b"', "a[]", 'suites."a', "a[0]b"])
def test_what_is_no_key_is_said(key: str) -> None:
    assert TREE is not None
    with pytest.raises(NoKey, match="is no key"):
        path_of(key, TREE)


def test_an_item_that_is_not_there_is_answered_with_those_that_are() -> None:
    assert TREE is not None
    with pytest.raises(NoKey, match=r'expect has no item "loss"; its items are: valid_loss, eval.tab, valid_loss#2'):
        path_of("expect[loss]", TREE)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=4))
def test_any_path_can_be_written_as_a_key(path: list[str]) -> None:
    assert TREE is not None and path_of(written(path), TREE) == tuple(path)


@pytest.fixture
def spec(tmp_path: Path) -> Resolved:
    write(tmp_path, {"spec.yaml": WHOLE + "phases: [{from: 0}]\n"})
    return sound(tmp_path)


@pytest.mark.parametrize("key, help_", [
    ("model.dm", "did you mean model.dim?"),
    ("modle.dim", "did you mean model.dim?"),
    ("matrix_lr", "did you mean optimizer.matrix_lr?"),
    ("phases.3", "phases is a list, and its items are 0 to 0"),
    ("steps.x", "steps is a single value"),
])  # fmt: skip
def test_a_key_that_nobody_knows_is_answered_with_the_one_that_was_meant(spec: Resolved, key: str, help_: str) -> None:
    path = tuple(key.split("."))
    assert not is_known(Shapes(SCHEMA), spec, path)
    assert meant(Shapes(SCHEMA), spec, path) == help_


def test_a_key_may_be_known_and_not_set(spec: Resolved) -> None:
    assert is_known(Shapes(SCHEMA), spec, ("model", "heads")) and spec.node("model.heads") is None
    assert is_known(Shapes(SCHEMA), spec, ("optimizer", "matrix_lr")) and spec.node("optimizer") is None
