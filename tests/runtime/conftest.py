"""The toy family in the tables of this process, and a workspace to run it in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime import toy_family


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Path]:
    """An empty workspace, with the toy family known to the runtime while the test runs."""
    (tmp_path / "specs").mkdir()
    with toy_family.registered():
        yield tmp_path
