"""Hostile strings wherever a spec holds a string or chooses a name: refused with an error that can be printed, or carried."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.cli import main
from expc.compiler.pipeline import Session
from tests.compiler.commands.shell import ROOT
from tests.fuzz.hostile import HOSTILE, TEXT
from tests.fuzz.spec_texts import Place, at, changed, places, tree_of, written
from tests.fuzz.survival import can_be_printed, survives

SPECS = ROOT / "specs"
FILES = sorted(SPECS.rglob("*.yaml"))
HEIRS = {"shared/meloformer.yaml": "meloformer_small.yaml", "shared/musicgen_lora.yaml": "musicgen_lora/run4_stage2.yaml"}
"""A spec that extends a shared file; d8_v2 extends the others."""
TREES = {path.relative_to(SPECS).as_posix(): tree_of(path.read_text(encoding="utf-8")) for path in FILES}
STRINGS = [(file, place) for file, tree in TREES.items() for place in places(tree) if isinstance(at(tree, place), str)]
MAPPINGS = [(file, place) for file, tree in TREES.items() for place in places(tree)
            if isinstance(at(tree, place), dict) and not {"env", "flags"} & set(place)]  # whose keys are the user's to name


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(SPECS, folder / "specs")
    return folder


def compiled(workspace: Path, file: str, tree: Any, profile: str | None = None) -> bool:
    """Compiles what is built of a file with another content; whether it is accepted."""
    target = workspace / "specs" / file
    kept = target.read_text(encoding="utf-8")
    target.write_text(written(tree), encoding="utf-8", errors="surrogatepass")
    try:
        spec = workspace / "specs" / HEIRS.get(file, "d8_v2.yaml") if target.parent.name == "shared" else target
        return bool(survives(Session(workspace, profile).compile(spec)))
    finally:
        target.write_text(kept, encoding="utf-8")


def test_every_string_of_every_shipped_spec_may_be_hostile(workspace: Path) -> None:
    accepted = [compiled(workspace, file, changed(TREES[file], place, HOSTILE[number % len(HOSTILE)]))
                for number, (file, place) in enumerate(STRINGS)]
    assert 20 < sum(accepted) < len(accepted) - 20


def renamed(tree: Any, place: Place, name: str) -> Iterator[Any]:
    """The tree with each of a mapping's keys called so, one at a time, and with one more of that name."""
    mapping = at(tree, place)
    for old in mapping:
        yield changed(tree, place, {name if key == old else key: value for key, value in mapping.items()})
    yield changed(tree, place, mapping | {name: "x"})


def test_every_key_of_a_shipped_spec_may_be_hostile(workspace: Path) -> None:
    number = 0
    for file, place in MAPPINGS:
        if place[-2:] in (("command", "flags"), ("command", "env")):  # named by somebody else's program
            continue
        hostile = HOSTILE[number % len(HOSTILE)]
        for tree in renamed(TREES[file], place, hostile):
            profile = (place[1:2] or [hostile])[0] if place[:1] == ("profiles",) else None
            free = file in HEIRS and place[:1] == ("notes",)  # of a value that the heir states anew: nobody reads them
            assert not compiled(workspace, file, tree, profile) or free, (file, place)
            number += 1


@given(st.sampled_from(STRINGS), TEXT)
def test_any_text_at_any_place(workspace: Path, where: tuple[str, Place], text: str) -> None:
    file, place = where
    compiled(workspace, file, changed(TREES[file], place, text), "smoke" if place[0] == "profiles" else None)


@pytest.mark.parametrize("key", ["resume: {{from: {}, step: 1}}", "eval: {{compare: [{{spec: {}, step: 1}}]}}", "extends: {}"])
def test_what_lies_outside_of_the_workspace_is_not_read(key: str, tmp_path: Path) -> None:
    shutil.copytree(SPECS, tmp_path / "inner" / "specs")
    shutil.copytree(SPECS, tmp_path / "outer" / "specs")
    spec = tmp_path / "inner" / "specs" / "child.yaml"
    for path in ("../../outer/specs/d8_depth.yaml", str(tmp_path / "outer" / "specs" / "d8_depth.yaml")):
        base = "" if "extends" in key else "extends: d8_depth.yaml\n"
        spec.write_text(f"{base}name: child\n{key.format(path)}\n", encoding="utf-8")
        one = Session(tmp_path / "inner").compile(spec)
        assert one.experiment is None and {found.code for found in one.diagnostics} & {"E203", "E221"}
        assert not [file for file in one.inputs if "outer" in file.display]


COMMANDS = (["check", "specs/{}"], ["build", "specs/d4_baseline.yaml", "--set", "title={}"],
            ["plan", "specs/d4_baseline.yaml", "--set", "data.path={}"], ["explain", "{}"], ["{}"],
            ["explain", "specs/d4_baseline.yaml", "{}"], ["build", "specs/d4_baseline.yaml", "--profile", "{}"],
            ["explain", "specs/d4_baseline.yaml", "title", "--set", "title={}"], ["build", "--out", "out/{}"],
            ["plan", "specs/d4_baseline.yaml", "--set", "title={}", "--json"], ["check", "--format", "{}"],
            ["plan", "specs/d4_baseline.yaml", "--against", "{}"], ["run", "{}"], ["status", "{}"])


@pytest.mark.parametrize("text", [text.replace("\0", "") for text in HOSTILE if len(text) < 1000])
def test_the_command_line_may_be_hostile(text: str, workspace: Path, capfd: pytest.CaptureFixture[str],
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    word = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")  # as Python reads the command line
    for words in COMMANDS:
        monkeypatch.setattr(sys, "argv", ["expc", *(one.replace("{}", word) for one in words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capfd.readouterr()
        assert end.value.code in (0, 1, 2, 64), words
        assert can_be_printed(said.out) and can_be_printed(said.err), (words, said)
