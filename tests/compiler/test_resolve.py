"""Layers into one tree: extends, profiles, overrides, defaults and references, and where each value came
from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.render import as_text
from expc.compiler.resolve import Origin, Resolved
from tests.compiler.specs import WHOLE, check, codes, sound, write

BASE = "name: base\nmodel: {family: gpt, dim: 256, heads: 4}\noptimizer: {matrix_lr: 0.018, fused: true}\nsteps: 5000\n"


def tree(folder: Path, files: dict[str, str], **options: Any) -> dict[str, Any]:
    """What a spec without mistakes resolves to, without defaults."""
    write(folder, files)
    resolved, found = check(folder, schema=None, **options)
    assert resolved is not None and not found, as_text(found)
    return resolved.plain()


# extends


def test_mappings_merge_lists_replace_null_deletes(tmp_path: Path) -> None:
    files = {
        "base.yaml": "a: {x: 1, y: {z: 2}}\nlist: [1, 2]\ngone: {p: 1}\nkept: 1\n",
        "spec.yaml": "extends: base.yaml\na: {y: {w: 3}, x: null}\nlist: [3]\ngone: null\nnever: null\n",
    }
    assert tree(tmp_path, files) == {"a": {"y": {"z": 2, "w": 3}}, "list": [3], "kept": 1}


def test_later_bases_win_and_the_file_itself_over_them(tmp_path: Path) -> None:
    files = {
        "one.yaml": "a: 1\nb: 1\nc: 1\n",
        "sub/two.yaml": "extends: ../deep.yaml\nb: 2\nc: 2\n",
        "deep.yaml": "d: deep\nb: deep\n",
        "spec.yaml": "extends: [one.yaml, sub/two.yaml]\nc: 3\n",
    }
    assert tree(tmp_path, files) == {"a": 1, "b": 2, "c": 3, "d": "deep"}


def test_a_base_met_twice_counts_once_below_all_that_extend_it(tmp_path: Path) -> None:
    files = {
        "root.yaml": "a: root\nb: root\n",
        "left.yaml": "extends: root.yaml\na: left\n",
        "right.yaml": "extends: root.yaml\nb: right\n",
        "spec.yaml": "extends: [left.yaml, right.yaml]\n",
    }
    assert tree(tmp_path, files) == {"a": "left", "b": "right"}


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        {f"b{n}.yaml": f"extends: b{n + 1}.yaml\n" for n in range(30)} | {"spec.yaml": "extends: b0.yaml\n"},
    )
    _, found = check(tmp_path)
    assert codes(found) == ["E203"] and "more than 20 files deep" in found[0].message


def test_all_mistakes_of_all_files_in_one_run(tmp_path: Path) -> None:
    write(tmp_path, {
        "a.yaml": "batch: [1\n",
        "b.yaml": "extends: nothing.yaml\nseed: 1\nseed: 2\n",
        "spec.yaml": "extends: [a.yaml, b.yaml]\nnotes: '${stepz}'\nchekpoint: {}\nsteps: 1e999\n",
    })  # fmt: skip
    _, found = check(tmp_path, overrides=["oops"], profile="fast")
    assert {*codes(found)} == {
        "E206",
        "E012",
        "E201",
        "E020",
        "E102",
        "E027",
    }  # a base is missing: no E205, E208, E103
    assert [one.span.order for one in found if one.span] == sorted(
        one.span.order for one in found if one.span
    )


def test_nothing_of_an_unreadable_spec_is_resolved(tmp_path: Path) -> None:
    resolved, found = check(tmp_path, "nothing.yaml")
    assert resolved is None and codes(found) == ["E001"]


# profiles


PROFILED = {
    "base.yaml": BASE + "profiles:\n  smoke: {steps: 10, model: {dim: 16}}\n  old: {seed: 1}\n",
    "spec.yaml": "extends: base.yaml\nsteps: 20000\n"
    "profiles:\n  smoke: {model: {heads: 2}}\n  old: null\n  high: {seed: 2}\n",
}


def test_profiles_merge_key_by_key_and_apply_over_the_whole_chain(tmp_path: Path) -> None:
    made = tree(tmp_path, PROFILED, profile="smoke")
    assert (made["steps"], made["model"]) == (10, {"family": "gpt", "dim": 16, "heads": 2})
    assert "profiles" not in made and "extends" not in made


def test_null_takes_a_profile_away(tmp_path: Path) -> None:
    write(tmp_path, PROFILED)
    assert sound(tmp_path).profiles == ("smoke", "high")
    _, found = check(tmp_path, profile="old")
    assert codes(found) == ["E205"]


def test_an_empty_profile_is_a_profile(tmp_path: Path) -> None:
    write(tmp_path, {"spec.yaml": WHOLE + "profiles: {same: {}}\n"})
    assert sound(tmp_path, profile="same").profile == "same"


def test_the_spec_is_still_shown_when_the_profile_is_unknown(tmp_path: Path) -> None:
    write(tmp_path, {"spec.yaml": WHOLE + "chekpoint: {}\n"})
    resolved, found = check(tmp_path, profile="smoke")
    assert codes(found) == ["E205", "E102"] and resolved is not None and resolved.profile is None


# overrides


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("steps=3e4", "steps", 30000.0),
        ("name=no", "name", "no"),
        ("notes=a: b # c", "notes", "a: b # c"),
        ("notes='4'", "notes", "4"),
        ("list=[1, {a: 2}]", "list", [1, {"a": 2}]),
        ("list.1=9", "list", [1, 9]),
        ("list.0.deep=9", "list", [{"deep": 9}, 2]),
        ("new.deep.key=x=y", "new", {"deep": {"key": "x=y"}}),
        ("notes=two\nlines", "notes", "two\nlines"),
        ("steps=", "steps", None),
        ("steps=null", "steps", None),
        ("a.x=", "a", {"y": 2}),
        ("a={z: 3}", "a", {"x": 1, "y": 2, "z": 3}),
        ("list={p: 3, q: 4}", "list", {"p": 3, "q": 4}),
        ("list={p: 3}", "list", {"p": 3}),
    ],
)
def test_overrides_are_yaml_scalars_or_brackets(
    tmp_path: Path, override: str, key: str, value: object
) -> None:
    files = {"spec.yaml": "steps: 1\nlist: [1, 2]\na: {x: 1, y: 2}\nprofiles: {p: {steps: 2}}\n"}
    assert tree(tmp_path, files, overrides=[override], profile="p").get(key) == value


def test_later_overrides_win(tmp_path: Path) -> None:
    assert tree(tmp_path, {"spec.yaml": "a: 1\n"}, overrides=["a=2", "b=1", "a=3"]) == {"a": 3, "b": 1}


def test_overrides_of_any_depth_or_bytes_do_not_raise(tmp_path: Path) -> None:
    write(tmp_path, {"spec.yaml": WHOLE})
    _, found = check(
        tmp_path, overrides=["a." * 3000 + "b=1", "notes=\udc80", "\udc80=1", "steps=[\0", "notes=[\udcff]"]
    )
    assert "E024" in codes(found) and "E004" in codes(found)
    as_text(found).encode("utf-8")


# defaults


def test_defaults_fill_what_exists_and_sections_with_a_default(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"spec.yaml": WHOLE + "optimizer: {matrix_lr: 1}\nphases: [{from: 0}, {from: 5, lr_scale: 2}]\n"},
    )
    made = sound(tmp_path).plain()
    assert made["optimizer"] == {"matrix_lr": 1, "weight_decay": 0.1, "fused": False}
    assert made["checkpoint"] == {"every": 1000, "keep": 2}  # its own default is {}
    assert "batch" not in made and "launch" not in made
    assert made["model"]["depth"] == 4  # by the branch that model.family chooses
    assert made["data"] == {"pieces": 2000}  # by the if that model.family decides
    assert [one["lr_scale"] for one in made["phases"]] == [1.0, 2]


def test_defaults_follow_what_the_profile_makes_of_the_spec(tmp_path: Path) -> None:
    write(
        tmp_path, {"spec.yaml": WHOLE + "profiles: {glyphs: {model: {family: vae, latent: 3, dim: null}}}\n"}
    )
    made = sound(tmp_path, profile="glyphs").plain()
    assert made["model"] == {"family": "vae", "latent": 3} and made["data"] == {}


def test_a_deleted_value_falls_back_to_its_default(tmp_path: Path) -> None:
    write(tmp_path, {"base.yaml": WHOLE + "seed: 7\n", "spec.yaml": "extends: base.yaml\nseed: null\n"})
    resolved = sound(tmp_path)
    assert resolved.value("seed") == 0
    assert [said.value for said in resolved.layers("seed")] == [0, 7, None]


# references


def test_a_reference_takes_the_type_or_joins_the_text(tmp_path: Path) -> None:
    text = (
        "a: 5000\nb: '${a}'\nc: 'x${a}y ${d}'\nd: '${e.f}'\ne: {f: 3e-4}\ng: [true, '${g.0}', '${list}']\n"
        "h: 'say $${a} ${ a }'\nlist: '${g.0}'\n"
    )
    made = tree(tmp_path, {"spec.yaml": text})
    assert (made["b"], made["c"], made["d"], made["h"]) == (5000, "x5000y 0.0003", 3e-4, "say ${a} 5000")
    assert made["g"] == [True, True, True]


def test_references_see_the_profile_overrides_and_defaults(tmp_path: Path) -> None:
    spec = WHOLE + "notes: 'seed ${seed}, ${steps} steps, dim ${model.dim}'\nprofiles: {smoke: {steps: 5}}\n"
    write(tmp_path, {"spec.yaml": spec})
    made = sound(tmp_path, profile="smoke", overrides=["model.dim=8"])
    assert made.value("notes") == "seed 0, 5 steps, dim 8"


def test_long_rings_of_references_end(tmp_path: Path) -> None:
    ring = "".join(f"k{n}: '${{k{n + 1}}}'\n" for n in range(3000))
    write(tmp_path, {"spec.yaml": ring + "k3000: '${k0}'\n"})
    _, found = check(tmp_path, schema=None)
    assert {*codes(found)} == {"E209"}


def test_texts_cannot_grow_without_end(tmp_path: Path) -> None:
    bomb = "".join(f"k{n}: '{f'${{k{n + 1}}}' * 10}'\n" for n in range(20))
    write(tmp_path, {"spec.yaml": bomb + "k20: xxxxxxxxxx\n"})
    _, found = check(tmp_path, schema=None)
    assert codes(found) == ["E210"]


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
    write(folder, {"spec.yaml": json.dumps({"extends": names, **trees[-1]})})
    resolved, found = check(folder, schema=None)
    expected: Any = {}
    for one in trees:
        expected = merged(expected, one)
    assert resolved is not None and not found
    assert resolved.plain() == bare(expected)
