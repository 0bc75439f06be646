"""Specs that are made to take all time or memory there is, through the program, under limits that the kernel holds: a clear
answer within bounds that a machine under load keeps, too."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from expc.compiler.frontend.reading import MAX_BYTES
from tests.compiler.commands.shell import CALL, ROOT
from tests.fuzz.bombs import BOMBS
from tests.fuzz.survival import can_be_printed

CPU, MEMORY, OUTPUT = 20, 1 << 30, 1 << 20  # seconds, bytes of address space, bytes that may be said
ACCEPTED = ("a text of a megabyte", "a fraction of a million digits")


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_answered_within_bounds(bomb: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    (tmp_path / "specs" / "bomb.yaml").write_text(BOMBS[bomb], encoding="utf-8")
    assert len(BOMBS[bomb].encode()) <= MAX_BYTES
    for command in (["check", "specs/bomb.yaml"], ["build", "specs/bomb.yaml"])[: 1 + (bomb in ACCEPTED)]:
        done = subprocess.run([sys.executable, "-c", CALL, *command], cwd=tmp_path, capture_output=True, text=True,
                              preexec_fn=limit, env=os.environ | {"NO_COLOR": "1"})
        assert done.returncode == (0 if bomb in ACCEPTED else 1), done.stderr[-2000:]
        assert "Traceback" not in done.stderr and ("error E" in done.stderr) == (bomb not in ACCEPTED)
        assert len(done.stderr) < OUTPUT and can_be_printed(done.stderr)
    assert not list(tmp_path.rglob("canary"))
