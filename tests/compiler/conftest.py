"""The example spec of the handbook, compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from expc.compiler.freeze import freeze
from expc.compiler.pipeline import Session


@pytest.fixture(scope="session")
def parent_snapshot() -> str:
    """The snapshot of `examples/specs/parent.yaml`."""
    examples = Path(__file__).parent / "examples"
    experiment = Session(examples).compile(examples / "specs" / "parent.yaml").experiment
    assert experiment is not None
    return freeze(experiment)[0]
