"""The schema that editors go by: every key explained, nothing marked that the compiler takes, mistakes still marked."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from expc.compiler import editor_schema
from expc.compiler.contract.quantities import parse, units
from expc.compiler.editor_schema import for_editors
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.pipeline import Session
from expc.compiler.render import as_text
from expc.compiler.spec_schema import complete

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
SHAPES = Shapes(complete())
EDITOR = for_editors()
IN_EDITORS = Shapes(EDITOR)


def keys(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that a schema knows, wherever it says so, with its own schema."""
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if not isinstance(schema, dict):
        return
    for word, inside in schema.items():
        if word == "properties":
            for name, child in inside.items():
                yield f"{path}.{name}".lstrip("."), child
                yield from keys(child, f"{path}.{name}")
        elif word == "of_the_family":  # what the top level and every profile refer to
            yield from keys(inside)
        elif word not in ("if", "default", "examples", "enum", "const"):
            yield from keys(inside, f"{path}.{word}" if word == "$defs" or path.endswith("$defs") else path)


TOLD = {path: IN_EDITORS.target(schema)["description"] for path, schema in keys(EDITOR)
        if "description" in IN_EDITORS.target(schema)}


def marked(text: str) -> list[str]:
    """What an editor would say about a file, as jsonschema puts it."""
    return [error.message for error in Draft202012Validator(EDITOR).iter_errors(yaml.safe_load(text))]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(EDITOR)
    assert len(list(keys(EDITOR))) > 100


def test_every_key_is_described() -> None:
    assert sorted({path for path, _ in keys(EDITOR)} - {path for path, text in TOLD.items() if len(text) > 10}) == []


def test_a_description_is_a_sentence() -> None:
    assert {path: text for path, text in TOLD.items() if text[-1] not in ".`" or "  " in text} == {}


def test_a_quantity_says_its_units() -> None:
    kinds = {path: SHAPES.target(schema).get("x-quantity") for path, schema in keys(SHAPES.schema) if "description" in schema}
    quantities = {path: kind for path, kind in kinds.items() if kind}
    assert {"steps", "hardware.memory_budget", "schedule.warmdown_ratio"} <= set(quantities)
    assert [path for path, kind in quantities.items() if f"Units: {units(kind)}." not in TOLD[path]] == []


@pytest.mark.parametrize("name", [name for name, one in complete()["$defs"].items() if "x-quantity" in one])
def test_a_quantity_takes_the_units_that_it_names(name: str) -> None:
    kind = complete()["$defs"][name]["x-quantity"]
    for unit in units(kind).split(", "):
        assert parse(f"5{unit}", kind) > 0
        assert SHAPES.matches({"$ref": f"#/$defs/{name}"}, f"5{unit}")
        assert IN_EDITORS.matches({"$ref": f"#/$defs/{name}"}, f"5{unit}")
    assert not IN_EDITORS.matches({"$ref": f"#/$defs/{name}"}, "5x")


def test_defaults_and_examples_are_valid() -> None:
    stated = [(path, schema, value) for path, schema in keys(SHAPES.schema)
              for value in [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]]
    assert len(stated) > 60
    assert [(path, value) for path, schema, value in stated if not SHAPES.matches(schema, value)] == []


def test_names_of_the_catalogues_are_suggested() -> None:
    told = dict(keys(EDITOR))
    assert {"valid_loss", "tunes_loss", "eval.composite"} <= set(told["expect.metric"]["examples"])
    assert "has_bars" in told["$defs.suite.indicators"]["items"]["examples"]
    target = told["hardware.target"]["anyOf"][0]
    assert dict(zip(target["enum"], target["enumDescriptions"], strict=True))["rtx_4060"] == "GeForce RTX 4060 8 GB"


# What editors mark, and what not


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_nothing_is_marked_in_a_shipped_spec(spec: Path) -> None:
    assert marked(spec.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_shipped_spec_points_to_the_schema(spec: Path) -> None:
    first = spec.read_text(encoding="utf-8").splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found is not None
    assert (spec.parent / found[1]).resolve() == ROOT / "generated" / "spec.schema.json"


SOUND = {
    "null takes away": "resume: null\nscenarios: null\nnotes: null\nlaunch: {name: null}\n"
                       "profiles: {smoke: {resume: null}}\n",
    "null in a profile": "launch: {name: own}\nprofiles: {smoke: {resume: null, scenarios: null, notes: null}}\n",
    "references": "launch: {name: own}\nsteps: '${resume.step}0'\ncheckpoint: {every: '${resume.step}'}\n"
                  "compile: '${data.tunes}'\n",
    "a profile of its own": "launch: {name: own}\nprofiles: {tiny: {precision: fp32, hardware: {memory_budget: 7GiB}}}\n",
    "whole floats": "launch: {name: own}\nsteps: 20000.0\n",
}


@pytest.mark.parametrize("name", SOUND)
def test_what_the_compiler_takes_is_not_marked(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    text = f"expc: 1\nname: own\nextends: d8_v2.yaml\n{SOUND[name]}"
    spec = tmp_path / "specs" / "own.yaml"
    spec.write_text(text, encoding="utf-8")
    for profile in (None, "smoke"):
        compiled = Session(tmp_path, profile).compile(spec)
        assert compiled.experiment is not None, as_text(list(compiled.diagnostics))
    assert marked(text) == []


@pytest.mark.parametrize("text", [
    "step: 3", "model: {dpth: 3}", "model: {family: gpt, dpth: 3}", "optimizer: {matrx_lr: 0.1}", "steps: 20x", "steps: 0",
    "precision: fp8", "hardware: {memory_budget: 8}", "profiles: {smoke: {modl: {}}}", "profiles: {smoke: {model: {dpth: 3}}}",
    "profiles: {smoke: {extends: a.yaml}}", "expect: [{below: 3}]", "eval: {compare: [{spec: a.yaml}]}",
    "launch: {targets: [bush]}", "compile: maybe", "model: {depth: 1.5}"])
def test_a_mistake_is_marked(text: str) -> None:
    assert marked(text) != []


def test_a_file_that_inherits_its_family_may_hold_keys_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = copy.deepcopy(complete())
    schema["properties"]["model"]["properties"]["family"]["enum"].append("other")
    told = {"model": {"required": ["family"], "properties": {"family": {"const": "other"}}}}
    model = {"family": {}, "layers": {"type": "integer"}, "dim": {"type": "string"}}
    own = {"model": {"type": "object", "additionalProperties": False, "properties": model}, "data": False}
    schema["allOf"].append({"if": {"required": ["model"], "properties": told}, "then": {"properties": own}})
    monkeypatch.setattr(editor_schema, "complete", lambda: schema)
    check = Draft202012Validator(for_editors()).is_valid
    assert check({"data": {"pieces": 3}}) and not check({"data": {"peices": 3}})
    other = {"model": {"family": "other"}}
    assert check({**other, "data": None}) and not check({**other, "data": {"pieces": 3}})
    assert check({"model": {"layers": 3, "dim": "wide"}}) and check({"model": {"depth": 3, "dim": 64}})
    assert not check({"model": {"layrs": 3}}) and not check({"model": {"dim": [64]}})
    assert check({"model": {"family": "other", "layers": 3}}) and not check({"model": {"family": "other", "depth": 3}})
    assert not check({"model": {"family": "gpt", "layers": 3}})
