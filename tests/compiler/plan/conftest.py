"""The shipped resuming experiment, compiled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from expc.compiler.contract.codec import from_plain, to_plain
from expc.compiler.contract.experiment import Experiment
from expc.compiler.pipeline import Compiled, Session
from tests.compiler.commands.shell import ROOT

Edited = Callable[[dict[str, Any]], Experiment]


@pytest.fixture(scope="session")
def compiled() -> Compiled:
    return Session(ROOT).compile(ROOT / "specs" / "d8_v2.yaml")


@pytest.fixture(scope="session")
def experiment(compiled: Compiled) -> Experiment:
    assert compiled.experiment is not None
    return compiled.experiment


@pytest.fixture(scope="session")
def edited(experiment: Experiment) -> Edited:
    """The experiment with some values of its snapshot put to others: {"training.groups.0.rate": 2.0}."""

    def edit(values: dict[str, Any]) -> Experiment:
        plain = to_plain(experiment)
        for key, value in values.items():
            *path, last = key.split(".")
            inner = plain
            for part in path:
                inner = inner[int(part)] if isinstance(inner, list) else inner[part]
            inner[int(last) if isinstance(inner, list) else last] = value
        return from_plain(Experiment, plain)

    return edit
