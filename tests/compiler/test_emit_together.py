"""Several builds of one workspace at once, as real processes: none loses or breaks what another wrote."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from expc.compiler import emit
from expc.compiler.contract import files
from tests.compiler.commands.shell import CALL, ROOT, copy_specs, expc


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    copy_specs(tmp_path)
    return tmp_path


def at_once(workspace: Path, *calls: list[str]) -> list[int]:
    """Builds that all start before the first of them can have ended; their exit codes."""
    started = [subprocess.Popen([sys.executable, "-c", CALL, "build", *words], cwd=workspace, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for words in calls]
    return [process.wait(120) for process in started]


def runs(workspace: Path) -> set[str]:
    return set(json.loads((workspace / "generated" / "manifest.json").read_text())["runs"])


def test_different_specs_keep_each_others_entries(workspace: Path) -> None:
    names = ["d4_baseline", "d6_wide", "d8_depth"]
    calls = [[f"specs/{name}.yaml", *profile] for name in names for profile in ([], ["--profile", "smoke"])]
    assert at_once(workspace, *calls) == [0] * 6
    assert runs(workspace) == {f"{name}{profile}" for name in names for profile in ("", ".smoke")}
    for name in ("d8_v2", "own_script"):
        (workspace / "specs" / f"{name}.yaml").unlink()
    assert expc(workspace, "build", "--check").returncode == 0
    assert not list((workspace / "generated").rglob(f"*{files.PART}"))


def test_of_two_values_of_one_spec_one_wins_as_a_whole(workspace: Path) -> None:
    calls = [["specs/d4_baseline.yaml", "--set", f"seed={seed}"] for seed in (1, 2, 1, 2)]
    assert at_once(workspace, *calls) == [0] * 4
    assert sorted(expc(workspace, "build", "--check", *words).returncode for words in calls[:2]) == [0, 2]


def test_two_specs_with_the_same_launcher_are_never_both_built(workspace: Path) -> None:
    for name in ("one", "two"):
        text = (ROOT / "specs" / "d4_baseline.yaml").read_text(encoding="utf-8")
        text = text.replace("name: d4_baseline", f"name: {name}\nlaunch: {{name: same}}")
        (workspace / "specs" / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert sorted(at_once(workspace, ["specs/one.yaml"], ["specs/two.yaml"])) == [0, 1]
    assert len(runs(workspace)) == 1


def test_what_another_build_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    theirs = {"spec": "specs/b.yaml", "profile": None, "overrides": [], "outputs": {"a": "x"}}
    emit.write_build(tmp_path, {"theirs": theirs}, {"a": "theirs"})
    with pytest.raises(OSError, match="theirs just wrote this"):
        emit.write_build(tmp_path, {}, {"a": "ours"})
    assert (tmp_path / "a").read_text() == "theirs"
    assert emit.write_build(tmp_path, {}, {"a": "ours"}, known={"theirs": theirs}) == ["a"]


def test_the_lock_of_a_killed_build_is_gone(tmp_path: Path) -> None:
    holding = f"import pathlib, sys\nfrom expc.compiler import emit\nwith emit.opened(pathlib.Path({str(tmp_path)!r})):\n"
    with subprocess.Popen([sys.executable, "-c", holding + "    print(flush=True); sys.stdin.read()"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == "\n"
        with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="another build has been writing"):
            patch.setattr(emit, "PATIENCE", 2)
            emit.write_build(tmp_path, {}, {"a": "a"})
        assert os.listdir(tmp_path) == []
        process.send_signal(signal.SIGKILL)
    assert emit.write_build(tmp_path, {}, {"a": "a"}) == ["a"]
