"""A workspace whose path needs quoting, with launchers in it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.experiments import d8_depth_v2
from tests.launchers.launching import Workspace, make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Callable[..., Workspace]:
    """`workspace(run=…)` makes one; keyword arguments replace fields of the experiment."""

    def make(**changes: Any) -> Workspace:
        made = make_workspace(tmp_path / "it's a \"work\" $HOME `space`", d8_depth_v2(**changes))
        made.environment["REAL_PYTHON"] = sys.executable
        return made

    return make
