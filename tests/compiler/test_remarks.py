"""Notes come along with the values that they explain, over bases, profiles and overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from expc.compiler.frontend.resolve import Resolved, resolve

BASE = """\
seed: 1
model: {dim: 8, depth: 2}
notes:
  - {about: seed, text: base on the seed}
  - {about: model, text: base on the model}
  - {about: goal, text: base on the goal}
"""
SPEC = """\
extends: base.yaml
goal: to learn
steps: 10
notes: [{about: steps, text: own}]
profiles:
  silent: {}
  deeper: {model: {depth: 4}}
  seeded: {seed: 2, notes: [{about: seed, text: its own}]}
  bare: {notes: []}
  goalless: {goal: null}
"""


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def resolved(specs: Path, profile: str | None = None, *overrides: str) -> Resolved:
    found, diagnostics = resolve(specs / "spec.yaml", workspace=specs, profile=profile, overrides=overrides)
    assert found is not None and not diagnostics
    return found


def texts(found: Resolved) -> list[str]:
    return [note["text"] for note in found.value("notes")]


@pytest.mark.parametrize(("profile", "overrides", "expected"), [
    (None, (), ["base on the seed", "base on the model", "own"]),  # the spec states a goal of its own
    ("silent", (), ["base on the seed", "base on the model", "own"]),
    ("deeper", (), ["base on the seed", "own"]),
    ("seeded", (), ["base on the model", "own", "its own"]),
    ("bare", (), []),
    ("goalless", (), ["base on the seed", "base on the model", "own"]),
    (None, ("steps=20",), ["base on the seed", "base on the model"]),
    (None, ("model.dim=16",), ["base on the seed", "own"]),
    (None, ("notes.1.text=mine",), ["base on the seed", "mine", "own"]),
    (None, ("notes=[]", "seed=3"), []),
])  # fmt: skip
def test_a_note_stays_as_long_as_what_it_is_about(
        specs: Path, profile: str | None, overrides: tuple[str, ...], expected: list[str]) -> None:
    assert texts(resolved(specs, profile, *overrides)) == expected


def test_each_note_is_told_to_be_of_the_layer_that_has_it(specs: Path) -> None:
    found = resolved(specs, "seeded")
    told = [(found.source(f"notes.{index}.text"), found.span(f"notes.{index}.text")) for index in range(3)]
    assert [source.layer.name for source, _ in told if source] == ["base.yaml", "spec.yaml", "profile seeded"]
    assert [(span.file.display, span.line) for _, span in told] == [("base.yaml", 5), ("spec.yaml", 4), ("spec.yaml", 8)]


def test_notes_that_are_no_list_are_left_to_the_schema(specs: Path) -> None:
    (specs / "spec.yaml").write_text("extends: base.yaml\nnotes: {about: seed, text: x}\n")
    assert resolved(specs).value("notes") == {"about": "seed", "text": "x"}
    (specs / "spec.yaml").write_text("extends: base.yaml\nnotes: null\n")
    assert resolved(specs).value("notes") is None
