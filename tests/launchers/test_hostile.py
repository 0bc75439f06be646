"""Specs full of hostile strings, built by the program and launched in a workspace with a hostile path: nothing is executed,
every argument arrives as it is, and nothing is written outside of the workspace."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compiler.commands.shell import ROOT, expc
from tests.compiler.documents.test_hostile_documents import with_prose
from tests.fuzz.hostile import CANARY, HOSTILE
from tests.fuzz.spec_texts import written
from tests.launchers.launching import STAGES

FOLDER = "it's $(touch canary)`touch canary`\n\"; touch canary; \x1b[31m\u202e work"
NAME = "resume_d8_depth_5k_to_20k"
RECORDER = r"""#!/usr/bin/env bash
printf '%s\0' "$#" "$@" >>"$CALLS"
"""
# As much of tmux as the launcher needs; what a pane would run is run at once.
TMUX = r"""#!/usr/bin/env bash
printf '%s\0' "$@" >>"$CALLS.tmux"
[[ $1 != has-session ]] || exit 1
if [[ $1 == new-session ]]; then
    shift 11
    "$@" >/dev/null 2>&1
    echo '%0 1'
fi
"""


def workspace_of(folder: Path, text: str) -> tuple[Path, dict[str, str]]:
    """A workspace with the text for all prose of a spec, stand-ins beside it, and the environment to launch it in."""
    workspace = folder / FOLDER / "inner"
    shutil.copytree(ROOT / "specs", workspace / "specs")
    (workspace / "specs" / "d8_v2.yaml").write_text(written(with_prose(text)), encoding="utf-8")
    bin_ = folder / "bin"
    bin_.mkdir()
    for name, script in (("python", RECORDER), ("tmux", TMUX)):
        (bin_ / name).write_text(script, encoding="utf-8")
        (bin_ / name).chmod(0o755)
    environment = {"PATH": f"{bin_}:/usr/bin:/bin", "EXPC_PYTHON": str(bin_ / "python"), "CALLS": str(folder / "calls"),
                   "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return workspace, environment


def launch(workspace: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["bash", *words], cwd=workspace, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60)


def calls(environment: dict[str, str]) -> list[list[str]]:
    """The arguments that the stand-in for Python was called with, call by call."""
    path = Path(environment["CALLS"])
    words = path.read_bytes().decode().split("\0")[:-1] if path.exists() else []
    path.unlink(missing_ok=True)
    made = []
    while words:
        count = int(words[0])
        made.append(words[1 : count + 1])
        words = words[count + 1 :]
    return [call for call in made if call[0] != "-c"]


def holds(folder: Path, text: str) -> None:
    workspace, environment = workspace_of(folder, text)
    built = expc(workspace, "build", "specs/d8_v2.yaml", "--profile", "smoke")
    assert built.returncode == 0, built.stderr
    launchers = sorted((workspace / "generated").glob("*.sh"))
    assert [path.name for path in launchers] == [f"{NAME}.smoke.sh", f"{NAME}.smoke.tmux.sh"]
    outside = {path for path in folder.rglob("*") if not path.is_relative_to(workspace)}
    linters = [["bash", "-n"]] + ([["shellcheck"]] if shutil.which("shellcheck") else [])
    for path in launchers:
        for linter in linters:
            done = subprocess.run([*linter, path], capture_output=True, text=True)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        for word in ("--help", "--dry-run"):
            assert launch(workspace, environment, f"generated/{path.name}", word).returncode == 0
        assert calls(environment) == []
        assert launch(workspace, environment, f"generated/{path.name}").returncode == 0
        expected = ["-m", "expc.runtime", "run", "generated/d8_depth_v2.smoke/snapshot.json", "--stage"]
        assert calls(environment) == [[*expected, stage] for stage in STAGES]
    assert {path for path in folder.rglob("*") if not path.is_relative_to(workspace)} - outside == {folder / "calls.tmux"}
    assert not [path for path in folder.rglob("*") if path.name == CANARY]


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud83c" not in text and len(text) < 9999])
def test_nothing_is_executed(text: str, tmp_path: Path) -> None:
    holds(tmp_path, text)
