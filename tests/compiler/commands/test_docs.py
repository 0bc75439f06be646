"""`docs/commands.md` says what the commands say of themselves; `pytest --update-golden` writes that into it."""

from __future__ import annotations

import re

import click
import pytest

from expc.compiler.cli import commands
from tests.compiler.commands.shell import ROOT, expc

PAGE = ROOT / "docs" / "commands.md"
SECTION = r"## expc {name}\n\n```text\n(.*?)```\n"


def names() -> list[str]:
    return sorted(commands.list_commands(click.Context(commands)))


@pytest.mark.parametrize("name", names())
def test_every_command_is_described_as_its_help_describes_it(name: str, request: pytest.FixtureRequest) -> None:
    help_ = expc(ROOT, name, "--help", COLUMNS="80").stdout
    text = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--update-golden"):
        block = f"## expc {name}\n\n```text\n{help_}```\n"
        section = re.compile(SECTION.format(name=name), re.S)
        text = section.sub(lambda _: block, text) if section.search(text) else f"{text}\n{block}"
        PAGE.write_text(text, encoding="utf-8")
    shown = re.search(SECTION.format(name=name), text, re.S)
    assert shown is not None, f"docs/commands.md has no section on {name}"
    assert shown[1] == help_


def test_no_command_is_described_that_is_not_there() -> None:
    assert sorted(re.findall(r"^## expc (\w+)$", PAGE.read_text(encoding="utf-8"), re.M)) == names()


def test_the_exit_codes_are_those_of_the_program() -> None:
    from expc.compiler.cli import MISUSED
    from expc.compiler.commands.shared import ERRORS, STALE
    from expc.runtime import errors

    codes = {errors.DONE, ERRORS, STALE, errors.STOPPED_BY_GUARD, MISUSED, errors.MISSING, errors.INTERRUPTED}
    text = PAGE.read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)} == codes
