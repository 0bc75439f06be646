"""A spec that says of every line where it comes from, and reads back as the same spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.annotated import annotated, scalar_text, standing
from expc.compiler.frontend.resolve import Resolved, resolve
from expc.compiler.frontend.shapes import Shapes
from expc.compiler.pipeline import Session
from expc.compiler.spec_schema import complete
from tests.compiler.commands.shell import ROOT
from tests.compiler.specs import SCHEMA, plain, sound, write
from tests.conftest import Golden

SPECS = sorted(path.name for path in (ROOT / "specs").glob("*.yaml"))


@pytest.fixture
def layered(tmp_path: Path) -> Resolved:
    write(tmp_path, {
        "base.yaml": "model: {family: gpt, dim: 256, heads: 4}\noptimizer: {matrix_lr: 0.018}\n"
                     "phases: [{from: 9}, {from: 10}]\nprofiles: {smoke: {steps: 50}}\n",
        "spec.yaml": "extends: base.yaml\nsteps: 5000\nname: d8\ntitle: \"${name} to ${steps}, kept: $${x}\"\n"
                     "model: {heads: null}\nphases:\n  - from: 0\nprofiles: {smoke: {model: {dim: 64}}}\n",
    })  # fmt: skip
    return sound(tmp_path, profile="smoke", overrides=["optimizer.matrix_lr=1e-5"])


def test_every_layer_is_named(layered: Resolved, golden: Golden) -> None:
    golden(annotated(layered, Shapes(SCHEMA)), "annotated.yaml")


def test_one_section_or_item(layered: Resolved) -> None:
    assert annotated(layered, Shapes(SCHEMA), path=("phases", "0")) == (
        "- from: 0        # spec.yaml:7:11\n"
        "  lr_scale: 1.0  # default\n")


@pytest.mark.parametrize("profile", [None, "smoke"])
@pytest.mark.parametrize("name", SPECS)
def test_a_shipped_spec_reads_back_as_itself(name: str, profile: str | None, tmp_path: Path) -> None:
    resolved = Session(ROOT, profile).compile(ROOT / "specs" / name).resolved
    assert resolved is not None
    text = annotated(resolved, Shapes(complete()), described=True)
    assert yaml.safe_load(text) == resolved.plain()
    write(tmp_path, {"again.yaml": text})
    again, found = resolve(tmp_path / "again.yaml", workspace=tmp_path, schema=complete())
    assert again is not None and not found and again.plain() == resolved.plain()
    told = {"own_script.yaml": "# How a flag and its value are written.\n  form:",
            "timbre_restore.yaml": "# Peak rate of the generator.\n  generator_lr:"}
    assert told.get(name, "# Attention heads; they divide dim.\n  heads:") in text
    stated = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert all("  # " in line for line in stated)


def test_claims_about_another_run_are_left_out() -> None:
    shown = {}
    for profile in (None, "smoke"):
        resolved = Session(ROOT, profile).compile(ROOT / "specs" / "d8_v2.yaml").resolved
        assert resolved is not None
        shown[profile] = yaml.safe_load(annotated(standing(resolved), Shapes(complete())))
    assert shown[None]["claims"]["parameters"] == "20M" and "claims" not in shown["smoke"]
    assert ["claims" in [note["about"] for note in one["notes"]] for one in shown.values()] == [True, False]


AWKWARD = ["yes", "NO", "1e5", "0x1F", "~", "12:30", "- a", "2026-02-04", "a #b", "8GB", "25%", "1_000", ".5", "a: b", "=",
           "<<", "on", "\x85", "\u2028", ""]
NUMBERS = st.integers(-2**63 + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec="utf-8")) | st.sampled_from(AWKWARD)


@given(SCALARS)
def test_any_scalar_reads_back_in_both_yamls(value: Any) -> None:
    text = scalar_text(value)
    assert "\n" not in text
    again = plain(f"key: {text}\n")["key"]
    assert (again, type(again)) == (value.replace("${", "$${") if isinstance(value, str) else value, type(value))
    assert yaml.safe_load(text) == again
