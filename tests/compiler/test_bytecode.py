"""Compiled templates are kept, and taken only where nothing that they were made with has changed."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest

from expc.compiler.contract.bytecode import Bytecode


def loud(text: str) -> str:
    return text.upper()



@pytest.fixture(autouse=True)
def writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that Jinja2 compiles during the test."""
    names: list[str] = []
    compile_ = jinja2.Environment.compile

    @functools.wraps(compile_)
    def noted(self: jinja2.Environment, source: str, name: str, *rest: object) -> object:
        names.append(name)
        return compile_(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", noted)
    return names


def rendered(folder: Path, shown: Callable[[str], str] = loud) -> str:
    """The template of a folder, by an environment that has never seen it."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), bytecode_cache=Bytecode(folder))
    environment.filters["shown"] = shown
    return environment.get_template("parts/a.j2").render()


def template(folder: Path, text: str = "{{ 'Constant' | shown }}") -> Path:
    path = folder / "parts" / "a.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def kept(folder: Path) -> Path:
    (path,) = (folder / "__pycache__").iterdir()
    return path


def test_the_second_process_does_not_compile(tmp_path: Path, compiled: list[str]) -> None:
    template(tmp_path)
    assert [rendered(tmp_path), rendered(tmp_path)] == ["CONSTANT", "CONSTANT"]
    assert compiled == ["parts/a.j2"]
    assert kept(tmp_path).name == f"parts.a.j2.{sys.implementation.cache_tag}"


def test_another_text_is_compiled_anew(tmp_path: Path) -> None:
    template(tmp_path)
    rendered(tmp_path)
    template(tmp_path, "other")
    assert rendered(tmp_path) == "other"


def test_other_filters_compile_anew_for_they_may_be_folded_into_the_code(tmp_path: Path) -> None:
    template(tmp_path)
    rendered(tmp_path)
    source = tmp_path / "elsewhere.py"
    source.write_text("def shown(text):\n    return text.lower()\n", encoding="utf-8")
    made: dict[str, Callable[[str], str]] = {}
    exec(compile(source.read_text(encoding="utf-8"), str(source), "exec"), made)
    assert rendered(tmp_path, made["shown"]) == "constant"


@pytest.mark.parametrize("cut", [0, 1, 40, 120, -1])
def test_a_damaged_file_is_compiled_anew(tmp_path: Path, compiled: list[str], cut: int) -> None:
    template(tmp_path)
    rendered(tmp_path)
    whole = kept(tmp_path).read_bytes()
    kept(tmp_path).write_bytes(whole[:cut])
    assert rendered(tmp_path) == "CONSTANT"
    assert len(compiled) == 2 and kept(tmp_path).read_bytes() == whole


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path, compiled: list[str]) -> None:
    template(tmp_path)
    (tmp_path / "__pycache__").write_text("in the way", encoding="utf-8")
    assert [rendered(tmp_path), rendered(tmp_path)] == ["CONSTANT", "CONSTANT"]
    assert len(compiled) == 2


def test_nothing_is_written_where_python_may_not_write_bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    template(tmp_path)
    rendered(tmp_path)
    assert not (tmp_path / "__pycache__").exists()


def test_a_place_for_all_bytecode_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "prefix"))
    template(tmp_path / "templates")
    rendered(tmp_path / "templates")
    assert not (tmp_path / "templates" / "__pycache__").exists()
    assert [path.name for path in (tmp_path / "prefix").rglob("parts.a.j2.*")]
