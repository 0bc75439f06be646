"""A workspace to run commands in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.compiler.commands.shell import ROOT


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the shipped specs."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    return tmp_path
