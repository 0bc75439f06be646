"""Layers into one tree: extends, profiles, overrides, defaults and references, and where each value came
from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from expc.compiler.render import as_text
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
