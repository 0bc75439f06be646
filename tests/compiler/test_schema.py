"""Violations of a schema: the verdict is jsonschema's, the words are ours, and nothing is said twice or as a
dump. The wording of each kind is held by the goldens of `test_cases.py`."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from expc.compiler.codes import CODES
from expc.compiler.render import as_text
from tests.compiler.specs import SCHEMA, WHOLE, check, codes, sound, write

VERDICT = Draft202012Validator(SCHEMA)


def found_in(folder: Path, text: str, **options: Any) -> list[str]:
    write(folder, {"spec.yaml": text})
    return codes(check(folder, **options)[1])


def test_the_test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_sound_spec_has_no_diagnostics(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "spec.yaml": WHOLE
            + "title: {zh: 深度}\nlaunch: {targets: [bash]}\nexpect: {tab: 70}\n"
        },
    )
    assert sound(tmp_path).value("title.zh") == "深度"


def test_a_null_takes_away_what_there_may_be_and_a_misspelt_one_is_found(tmp_path: Path) -> None:
    write(tmp_path, {"base.yaml": WHOLE + "optimizer: {matrix_lr: 1}\n"})
    assert found_in(tmp_path, "extends: base.yaml\nlaunch: null\ntitle: null\n") == []
    assert found_in(tmp_path, "extends: base.yaml\noptimizer: {matrx_lr: null}\ntitel: null\n") == ["E102", "E102"]
    assert found_in(tmp_path, "extends: base.yaml\nprofiles: {smoke: {optimzer: null}}\n", profile="smoke") == ["E102"]


# the handbook


def test_every_entry_of_the_handbook_is_printed_whole() -> None:
    for code, entry in CODES.items():
        shown = entry.shown()
        assert shown.startswith(f"{code}: {entry.title}\n") and shown.endswith("\n")
        assert (entry.wrong is None) == ("\nwrong:\n" not in shown)


# one thing is said once


def test_a_misspelt_key_is_not_also_missing(tmp_path: Path) -> None:
    assert found_in(tmp_path, WHOLE + "optimizer: {matrx_lr: 1}\n") == ["E102"]


def test_a_branch_is_not_blamed_for_the_other_branches(tmp_path: Path) -> None:
    assert found_in(tmp_path, "name: x\nsteps: 1\nmodel: {family: vae, latent: 3, beta: high}\n") == ["E101"]


@pytest.mark.parametrize(
    "text",
    [
        "model: {family: gpt, dim: 1e999}\n",  # a number that was refused
        "model: {family: gpt, dim: !x 3}\n",  # a tag
        "model: {family: gpt, dim: '${nothing}'}\n",  # a reference
        "model: {family: gpt, dim: [1}\n",  # syntax: the whole section
        "model: {family: !x gpt, dim: 3}\n",  # what tells the branches apart
        "model: {family: '${nothing}', dim: 3}\n",
    ],
)
def test_what_was_reported_before_is_not_reported_again(tmp_path: Path, text: str) -> None:
    spec = text + "name: d8\nsteps: 5\ndata: {fonts: x}\n"
    assert len([code for code in found_in(tmp_path, spec) if code != "E102"]) == 1


def test_nothing_is_missing_while_a_base_is(tmp_path: Path) -> None:
    assert found_in(tmp_path, "extends: nothing.yaml\noptimizer: {fused: true}\n") == ["E201"]


# keywords that the small schema does not use


@pytest.mark.parametrize(
    ("schema", "text", "message"),
    [
        ({"properties": {"a": {"not": {"const": 3}}}}, "a: 3", "a does not fit the rule for its place (not)"),
        ({"properties": {"a": {"not": {"const": 3}, "x-expected": "no 3"}}}, "a: 3", "a must be no 3"),
        ({"properties": {"a": False}}, "a: 3", "a cannot be set here"),
        ({"properties": {"a": {"contains": {"const": 1}}}}, "a: [2]",
         "a does not fit the rule for its place (contains)"),
        ({"properties": {"a": {"multipleOf": 64}}}, "a: 65", "a must be a multiple of 64, not 65"),
        ({"properties": {"a": {"maxItems": 1}}}, "a: [1, 2]", "a needs at most 1 item, and has 2"),
        ({"properties": {"a": {"maxLength": 1}}}, "a: xx", "a must have at most 1 characters, and has 2"),
        ({"dependentRequired": {"a": ["b"]}}, "a: 3", 'the spec needs the key "b" because it has "a"'),
        ({"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]}, "b: 3",
         'unknown key "b" at the top level'),
        ({"additionalProperties": False, "patternProperties": {"^a": {}}}, "ab: 3\nba: 3",
         'unknown key "ba" at the top level'),
        ({"properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]}}}, "a: x",
         'a must be an integer or true or false, not the text "x"'),
        ({"properties": {"a": {"oneOf": [{"type": "integer"}, {"minimum": 3}]}}}, "a: 5",
         "a does not fit the rule for its place (oneOf)"),
        ({"properties": {"a": {"type": ["integer", "null"]}}}, "a: x",
         'a must be an integer or nothing (null), not the text "x"'),
        ({"propertyNames": {"pattern": "^x", "x-expected": "names that begin with x"}}, "a: 3",
         '"a" cannot be a key of the spec'),
        ({"properties": {"a": {"pattern": "^x$"}}}, "a: b", 'a has not the form it needs: the text "b"'),
    ],
)  # fmt: skip
def test_every_keyword_has_words(tmp_path: Path, schema: dict[str, Any], text: str, message: str) -> None:
    write(tmp_path, {"spec.yaml": text})
    _, found = check(tmp_path, schema=schema)
    assert [one.message for one in found] == [message]


def test_a_circular_schema_is_walked_once(tmp_path: Path) -> None:
    node = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"next": {"$ref": "#/$defs/node"}, "seed": {}},
    }
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    write(tmp_path, {"spec.yaml": "next: {next: {nxt: 1}}\n"})
    _, found = check(tmp_path, schema=schema)
    assert 'help: did you mean "next"?' in as_text(found)


# the verdict

WORDS = st.sampled_from(
    ["name", "model", "family", "dim", "gpt", "vae", "latent", "rows", "batch", "title", "zh", "steps", "matrix_lr",
     "optimizer", "from", "phases", "targets", "launch", "bash", "expect", "tab", "data", "fonts", "pieces", "20k"]
)  # fmt: skip
SCALARS = (
    WORDS
    | st.integers(-2, 5)
    | st.booleans()
    | st.floats(-1, 2)
    | st.text(st.characters(max_codepoint=0xD7FF), max_size=3)
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def whole() -> dict[str, Any]:
    return {
        "name": "d8",
        "model": {"family": "gpt", "dim": 4},
        "steps": 5,
        "title": {"zh": "x"},
        "batch": {"rows": 1},
        "optimizer": {"matrix_lr": 0.1},
        "phases": [{"from": 0}],
        "launch": {"targets": ["bash"]},
        "expect": {"tab": 1},
        "data": {},
    }


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A sound spec with up to three values replaced, added or removed."""
    spec = copy.deepcopy(whole())
    for _ in range(draw(st.integers(0, 3))):
        place: Any = spec
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys)) if keys else None
            deeper = (
                key is not None and isinstance(place[key], dict | list) and place[key] and draw(st.booleans())
            )
            if not deeper:
                break
            place = place[key]
        if isinstance(place, dict) and draw(st.booleans()):
            place[draw(WORDS)] = draw(ANY)
        elif key is not None and draw(st.booleans()):
            place[key] = draw(ANY)
        elif key is not None:
            del place[key]
    return spec


@settings(max_examples=300)
@given(damaged())
def test_diagnostics_where_and_only_where_jsonschema_sees_an_error(
    tmp_path_factory: pytest.TempPathFactory, spec: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("verdict")
    write(folder, {"spec.yaml": json.dumps(spec)})
    resolved, found = check(folder)
    assert resolved is not None
    assert VERDICT.is_valid(resolved.plain()) == (not found), as_text(found)
    assert all(one.span is not None and one.code in CODES for one in found)


@given(ANY, st.text(max_size=20))
def test_nothing_raises(tmp_path_factory: pytest.TempPathFactory, value: object, tail: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    write(folder, {"spec.yaml": json.dumps(value) + "\n"})
    as_text(check(folder, profile="smoke", overrides=[f"batch.rows={tail}", tail, f"{tail}=1"])[1])
    write(folder, {"spec.yaml": f"{WHOLE}notes: {tail}\nbatch: {json.dumps(value)}\n"})
    as_text(check(folder)[1])


def test_the_same_whatever_the_hash_seed(tmp_path: Path) -> None:
    cases = Path(__file__).parent / "cases"
    program = (
        "from pathlib import Path; from tests.compiler.test_cases import shown, NAMES;"
        "print(''.join(shown(name) for name in NAMES))"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=cases.parents[2],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONIOENCODING": "utf-8",
                "PYTHONPATH": str(cases.parents[2]),
            },
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1 and len(made.pop()) > 1000
