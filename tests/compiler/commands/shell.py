"""The `expc` program as a shell sees it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SPECS = ("d4_baseline", "d6_wide", "d8_depth", "d8_v2", "own_script")
"""The shipped specs that commands are tried on, so that another shipped spec changes no test."""
CALL = "import sys; from expc.compiler.cli import main; sys.argv[0] = 'expc'; main()"


def copy_specs(folder: Path) -> None:
    """Puts those specs, and what they extend, into a new workspace."""
    shutil.copytree(ROOT / "specs" / "shared", folder / "specs" / "shared")
    for name in SPECS:
        shutil.copy(ROOT / "specs" / f"{name}.yaml", folder / "specs")


def expc(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The `expc` program in a process of its own."""
    return subprocess.run([sys.executable, "-c", CALL, *words], cwd=folder, capture_output=True, text=True,
                          env=os.environ | {"NO_COLOR": "1"} | environment, timeout=60)


def texts(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(path: Path, old: str, new: str) -> None:
    """Replaces a text that a file has to hold."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def commit(folder: Path, words: str = "state") -> None:
    """Everything below a folder committed to a git repository there, which is made where there is none."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", words, "--allow-empty"]):
        subprocess.run([*git, *command], cwd=folder, check=True, capture_output=True)
