"""Mutants of the shipped specs through the whole compiler: whatever comes in, there is no traceback and no runaway, what is
said can be printed, and what is accepted freezes to a snapshot that loads again to the same text.

A few hundred mutants in the test suite; `pytest tests/fuzz --fuzz-seconds 3600 --fuzz-seed 5` goes on for an hour.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from expc.compiler.cli import commands
from expc.compiler.pipeline import Session
from tests.fuzz.limits import bounded
from tests.fuzz.mutations import mutants, overrides
from tests.fuzz.survival import can_be_printed, survives

SPECS = Path(__file__).parents[2] / "specs"
SHIPPED = {path.relative_to(SPECS).as_posix(): path.read_text(encoding="utf-8") for path in sorted(SPECS.rglob("*.yaml"))}
COMPILED = sorted(name for name in SHIPPED if not name.startswith("shared/"))
EXAMPLES = 100  # a round
CALLS = (["check"], ["check", "--format", "sarif"], ["check", "--json"], ["plan"], ["build", "--check"], ["build"])


@st.composite
def attacks(draw: st.DrawFn) -> tuple[str, bytes, str, str | None, tuple[str, ...], list[str]]:
    """(file, its new content, the spec that is compiled, profile, overrides, the command that is called)"""
    file = draw(st.sampled_from(sorted(SHIPPED)))
    spec = file if file in COMPILED and draw(st.integers(0, 3)) else draw(st.sampled_from(COMPILED))
    return (file, draw(mutants(SHIPPED[file])), spec, draw(st.sampled_from([None, None, "smoke", "nowhere"])),
            draw(overrides(SHIPPED[spec])), draw(st.sampled_from(CALLS)))


def test_nothing_gets_through(tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str],
                              monkeypatch: pytest.MonkeyPatch) -> None:
    until = time.monotonic() + request.config.getoption("--fuzz-seconds")
    shutil.copytree(SPECS, tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    number = first = request.config.getoption("--fuzz-seed")
    accepted = 0

    def attack(case: tuple[str, bytes, str, str | None, tuple[str, ...], list[str]]) -> None:
        nonlocal accepted
        with bounded(cpu_seconds=30, memory=2 << 30):
            accepted += _survives(tmp_path, *case)

    while number == first or time.monotonic() < until:
        examined = given(attacks())(attack)
        strict = settings(max_examples=EXAMPLES, derandomize=False, database=None, deadline=None,
                          suppress_health_check=list(HealthCheck))
        strict(seed(number)(examined))()
        number += 1
    with capsys.disabled():
        if request.config.getoption("--fuzz-seconds"):
            print(f"\nseeds {first} to {number - 1}: {(number - first) * EXAMPLES} mutants, {accepted} builds accepted")
    assert accepted > 0


def _survives(workspace: Path, file: str, data: bytes, spec: str, profile: str | None, forced: tuple[str, ...],
              call: list[str]) -> bool:
    """Compiles one mutant and calls a command on it; whether the compiler accepted it."""
    target = workspace / "specs" / file
    target.write_bytes(data)
    try:
        one = Session(workspace, profile).compile(workspace / "specs" / spec, forced)
        survives(one)
        _commanded([*call, f"specs/{spec}", *_options(call, profile, forced)])
        return one.experiment is not None
    finally:
        target.write_text(SHIPPED[file], encoding="utf-8")
        shutil.rmtree(workspace / "generated", ignore_errors=True)


def _options(call: list[str], profile: str | None, forced: tuple[str, ...]) -> list[str]:
    if call[0] == "check":
        return []
    return [*(["--profile", profile] if profile else []), *(word for one in forced for word in ("--set", one))]


def _commanded(words: list[str]) -> None:
    done = CliRunner().invoke(commands, words, standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit | click.ClickException):
        raise done.exception
    assert done.exit_code in (0, 1, 2) and can_be_printed(done.stderr)
