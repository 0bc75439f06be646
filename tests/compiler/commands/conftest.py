"""A workspace to run commands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiler.commands.shell import copy_specs


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the shipped specs."""
    copy_specs(tmp_path)
    return tmp_path
