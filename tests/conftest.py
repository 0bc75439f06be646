"""Shared by all tests: whole-file goldens, and property tests that come out the same every time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("expc", deadline=None, derandomize=True, database=None)
settings.load_profile("expc")

Golden = Callable[[str | bytes, str | Path], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing"
    )
    parser.addoption("--fuzz-seconds", type=float, default=0, help="attack the compiler for so long; default: one round")
    parser.addoption("--fuzz-seed", type=int, default=0, help="the first round's seed")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(made, "cases/tabs.txt")` holds text or bytes against a file, byte for byte; the path is
    relative to the test's own folder. A missing golden fails: only --update-golden writes one."""
    folder, update = request.path.parent, request.config.getoption("--update-golden")

    def compare(made: str | bytes, path: str | Path) -> None:
        file = folder / path
        data = made.encode("utf-8") if isinstance(made, str) else made
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        if not file.is_file():
            pytest.fail(f"there is no golden {path}; look at what is made and run pytest --update-golden")
        if isinstance(made, str):
            assert made == file.read_bytes().decode("utf-8")
        assert data == file.read_bytes()

    return compare
