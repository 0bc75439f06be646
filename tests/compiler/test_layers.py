"""Where each value came from, layer by layer, and merging on any trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.frontend.resolve import Origin, Resolved
from expc.compiler.render import as_text
from tests.compiler.specs import check, sound, write
from tests.compiler.test_resolve import BASE

# where values come from


@pytest.fixture
def stacked(tmp_path: Path) -> Resolved:
    spec = "extends: base.yaml\nname: d8\noptimizer: {matrix_lr: 0.016}\nphases:\n  - from: 0\n"
    write(tmp_path, {
        "base.yaml": BASE + "profiles: {smoke: {optimizer: {matrix_lr: 0.1}}}\n",
        "spec.yaml": spec + "profiles: {smoke: {optimizer: {matrix_lr: 0.2}}}\n",
    })  # fmt: skip
    return sound(tmp_path, profile="smoke", overrides=["optimizer.weight_decay=0.3"])


def told(said: list[Origin]) -> list[tuple[str, object, str]]:
    return [(one.layer.name, one.value, str(one.span)) for one in said]


def test_each_layer_is_told_in_order(stacked: Resolved) -> None:
    assert told(stacked.layers("optimizer.matrix_lr")) == [
        ("base.yaml", 0.018, "base.yaml:3:24"),
        ("spec.yaml", 0.016, "spec.yaml:3:24"),
        ("profile smoke", 0.1, "base.yaml:5:43"),
        ("profile smoke", 0.2, "spec.yaml:6:43"),
    ]
    assert told(stacked.layers("optimizer.weight_decay")) == [
        ("default", 0.1, "spec.yaml:3:1"),
        ("--set optimizer.weight_decay=0.3", 0.3, "--set:1:24"),
    ]
    assert told(stacked.layers("phases.0.lr_scale")) == [
        ("default", 1.0, "spec.yaml:5:5"),
    ]
    assert stacked.layers("nothing.here") == []


def test_of_a_list_only_the_layer_that_states_it_tells(tmp_path: Path) -> None:
    write(tmp_path, {
        "base.yaml": BASE + "phases: [{from: 0, lr_scale: 0.5}, {from: 9}]\n",
        "spec.yaml": "extends: base.yaml\nname: d8\nphases: [{from: 1}]\n",
    })  # fmt: skip
    resolved = sound(tmp_path, overrides=["phases.0.from=2"])
    assert told(resolved.layers("phases.0.lr_scale")) == [("default", 1.0, "spec.yaml:3:10")]
    assert told(resolved.layers("phases.0.from")) == [("spec.yaml", 1, "spec.yaml:3:17"),
                                                      ("--set phases.0.from=2", 2, "--set:1:15")]
    assert resolved.layers("phases.1.from") == []
    assert resolved.origins("phases.0.lr_scale")[0].text == "phases.0.lr_scale is not set; this is its default"


def test_a_deleted_value_falls_back_to_its_default(tmp_path: Path) -> None:
    write(tmp_path, {"base.yaml": BASE, "spec.yaml": "extends: base.yaml\nname: d8\noptimizer: {weight_decay: null}\n"})
    resolved = sound(tmp_path)
    assert [one[1] for one in told(resolved.layers("optimizer.weight_decay"))][-1] is None
    source = resolved.source("optimizer.weight_decay")
    assert source is not None and (source.layer.kind, source.value) == ("default", 0.1)
    assert resolved.source("optimizer.embedding_lr") is None


def test_a_place_is_that_of_the_value_or_of_the_nearest_thing_around_it(stacked: Resolved) -> None:
    assert str(stacked.span("optimizer.matrix_lr")) == "spec.yaml:6:43"
    assert str(stacked.span("optimizer")) == "spec.yaml:3:1"
    assert str(stacked.span("model.heads")) == "base.yaml:2:39"
    assert str(stacked.span("model.nothing.at.all")) == "base.yaml:2:1"
    assert str(stacked.span("phases.0.from")) == "spec.yaml:5:11"
    assert str(stacked.span("nothing")) == "spec.yaml:1:1"
    assert str(stacked.span(("optimizer", "matrix_lr"))) == "spec.yaml:6:43"


def test_values_are_read_by_key(stacked: Resolved) -> None:
    assert stacked.value("optimizer.matrix_lr") == 0.2
    assert stacked.value("phases.0") == {"from": 0, "lr_scale": 1.0}
    assert stacked.value("phases.1") is None and stacked.value("") == stacked.plain()


def test_a_finding_tells_where_its_value_came_from_and_what_else_plays_a_part(stacked: Resolved) -> None:
    found = stacked.diagnostic(
        "E301",
        "heads do not divide dim",
        "model.heads",
        "take 4",
        also=["model.dim", "optimizer.matrix_lr", "seed", "batch"],
    )
    assert as_text([found]) == (
        "base.yaml:2:39: error E301: heads do not divide dim\n"
        "    2 | model: {family: gpt, dim: 256, heads: 4}\n"
        "      |                                       ^\n"
        "  help: take 4\n"
        "  note: model.dim is the number 256 at base.yaml:2:27\n"
        "  note: optimizer.matrix_lr is the number 0.2 (from profile smoke) at spec.yaml:6:43\n"
        "  note: seed is the number 0 by default\n"
        "  note: batch is not set\n"
        "  note: inherited by spec.yaml:1:10\n"
    )


def test_a_default_is_called_one(stacked: Resolved) -> None:
    found = stacked.diagnostic("W301", "every run has the same seed", "seed")
    assert "  note: seed is not set; this is its default\n" in as_text([found])


def test_the_files_read_are_known(stacked: Resolved) -> None:
    assert [file.display for file in stacked.files] == ["spec.yaml", "base.yaml"]
    assert stacked.spec.display == "spec.yaml"


NAMES = st.sampled_from(["a", "b", "c"])
TREES = st.dictionaries(NAMES, st.recursive(st.none() | st.integers(0, 3), lambda inner: st.dictionaries(
    NAMES, inner, max_size=3) | st.lists(inner, max_size=2), max_leaves=6), max_size=3)  # fmt: skip


def merged(below: Any, above: Any) -> Any:
    """The rule of merging in its shortest form."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    both = {
        key: merged(below.get(key), above[key]) if key in above else below[key] for key in {**below, **above}
    }
    return {key: value for key, value in both.items() if value is not None}


def bare(value: Any) -> Any:
    if isinstance(value, list):
        return [bare(one) for one in value]
    return (
        {key: bare(one) for key, one in value.items() if one is not None}
        if isinstance(value, dict)
        else value
    )


@given(st.lists(TREES, min_size=1, max_size=4))
def test_merging_follows_its_rule_on_any_trees(
    tmp_path_factory: pytest.TempPathFactory, trees: list[Any]
) -> None:
    import json

    folder = tmp_path_factory.mktemp("merge")
    write(folder, {f"b{n}.yaml": json.dumps(one) for n, one in enumerate(trees[:-1])})
    names = [f"b{n}.yaml" for n in range(len(trees) - 1)]
    write(folder, {"spec.yaml": json.dumps(({"extends": names} if names else {}) | trees[-1])})
    resolved, found = check(folder, schema=None)
    expected: Any = {}
    for one in trees:
        expected = merged(expected, one)
    assert resolved is not None and not found
    assert resolved.plain() == bare(expected)
