"""What stands in a build's way: said clearly, before anything is written, and nothing is touched outside of its folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from expc.compiler import emit
from tests.compiler.commands.shell import ROOT, expc

RUN = "generated/d4_baseline"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the shipped specs, with a folder beside it."""
    shutil.copytree(ROOT / "specs", tmp_path / "workspace" / "specs")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("kept")
    return tmp_path / "workspace"


def folder_for_file(made: Path) -> str:
    (made / RUN / "snapshot.json" / "inside").mkdir(parents=True)
    return "snapshot.json: a folder stands where"


def file_for_folder(made: Path) -> str:
    (made / "generated").mkdir()
    (made / RUN).write_text("mine")
    return "d4_baseline: a file stands where"


def file_for_output(made: Path) -> str:
    (made / "generated").write_text("mine")
    return "generated: File exists"


def linked_file(made: Path) -> str:
    (made / "generated").mkdir()
    (made / "generated" / "train_d4_baseline.sh").symlink_to(made.parent / "outside" / "kept")
    return "train_d4_baseline.sh: a symbolic link stands where"


def linked_folder(made: Path) -> str:
    (made / "generated").mkdir()
    (made / RUN).symlink_to(made.parent / "outside")
    return "d4_baseline: a symbolic link stands where"


def linked_output(made: Path) -> str:
    (made / "generated").symlink_to(made.parent / "outside")
    return "generated: it is a symbolic link"


def circular_link(made: Path) -> str:
    (made / "generated").symlink_to("generated")
    return "generated: it is a symbolic link"


def held(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder: content of files, targets of links."""
    return {str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
            for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


@pytest.mark.parametrize("obstacle", [folder_for_file, file_for_folder, file_for_output, linked_file, linked_folder,
                                      linked_output, circular_link], ids=lambda made: made.__name__)
def test_an_obstacle_is_named_and_nothing_is_written(obstacle: Callable[[Path], str], tmp_path: Path,
                                                     workspace: Path) -> None:
    said, before = obstacle(workspace), held(tmp_path)
    built = expc(workspace, "build", "specs/d4_baseline.yaml")
    assert (built.returncode, said in built.stderr, "Traceback" in built.stderr) == (1, True, False), built.stderr
    assert held(tmp_path) == before
    checked = expc(workspace, "build", "--check", "specs/d4_baseline.yaml")
    assert checked.returncode == 2 and "Traceback" not in checked.stderr
    assert held(tmp_path) == before


@pytest.mark.parametrize("out", ["/proc/nothing/here", "/dev/null/here", "x" * 300, "specs/d4_baseline.yaml"])
def test_a_folder_that_cannot_be_made_is_said(out: str, workspace: Path) -> None:
    before = held(workspace)
    built = expc(workspace, "build", "specs/d4_baseline.yaml", "--out", out)
    assert built.returncode == 1 and built.stderr.startswith("error: ") and "Traceback" not in built.stderr
    assert held(workspace) == before


def test_what_cannot_be_read_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emit.write_build(tmp_path, {}, {"a": "a"})

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert emit.stale(tmp_path, {"a": "a"}, {}) == [emit.Stale("a", "cannot be read: Permission denied")]


def test_left_over_folders_go_with_their_files(tmp_path: Path) -> None:
    entry = {"spec": "specs/a.yaml", "profile": None, "overrides": [], "outputs": {"old/deep/a": "x", "kept/a": "x"}}
    emit.write_build(tmp_path, {"run": entry}, {"old/deep/a": "a", "kept/a": "a"})
    (tmp_path / "kept" / "notes").write_text("a person's")
    emit.write_build(tmp_path, {}, {}, ("run",))
    assert held(tmp_path).keys() == {"kept/notes", "manifest.json"} and not (tmp_path / "old").exists()
