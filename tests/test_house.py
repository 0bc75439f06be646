"""The house rules that a program can hold: who imports whom, how long files and functions are, what never appears."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each file or folder of the compiler imports the contract and what stands before it here.
COMPILER_ORDER = """
    source diagnostics render workspace
    frontend
    hardware families launchers spec_schema editor_schema
    differences lowering
    estimate reckon codes checks handbook acknowledge
    freeze documents annotated emit plan hangs_on unread examples mending pipeline commands cli
""".split()

FOREIGN = {
    "expc.compiler.contract": {"jinja2"},
    "expc.compiler": {"click", "git", "jinja2", "jsonschema", "yaml"},
    "expc.runtime": {"click", "fontTools", "git", "matplotlib", "numpy", "peft", "pyarrow", "rich", "safetensors",
                     "scipy", "soundfile", "symusic", "tensorboard", "tokenizers", "torch", "transformers", "wandb"},
}
CODE = ("compiler", "runtime", "tests", "benchmarks")


@cache
def modules() -> dict[str, Path]:
    """Files of compiler and runtime by import name."""
    found = {}
    for folder in ("compiler", "runtime"):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(("expc", *(parts[:-1] if parts[-1] == "__init__" else parts)))] = path
    return found


def imported(name: str) -> Iterator[str]:
    """Full names of what a module imports, inside of functions too."""
    path = modules()[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (full if (full := f"{base}.{alias.name}") in modules() else base for alias in node.names)


def edges(package: str) -> list[tuple[str, str]]:
    """(module, what it imports) for all modules of a package."""
    return [(name, other) for name in modules() if is_inside(name, package) for other in imported(name)]


def part_of(name: str) -> str:
    """The file or folder of the compiler that a module belongs to, such as `checks`; empty for the package itself."""
    return ".".join(name.split(".")[2:3])


def python_files() -> list[Path]:
    files = (path for folder in CODE for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)
    return sorted(files)


def is_inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_the_runtime_imports_the_contract_and_nothing_else_of_the_compiler() -> None:
    assert [f"{name} imports {other}" for name, other in edges("expc.runtime")
            if is_inside(other, "expc.compiler") and not is_inside(other, "expc.compiler.contract")] == []


def test_the_compiler_imports_nothing_of_the_runtime() -> None:
    assert [f"{name} imports {other}" for name, other in edges("expc.compiler")
            if is_inside(other, "expc.runtime")] == []


def test_the_contract_stands_alone() -> None:
    allowed = ("expc.compiler.contract", "expc.templates")
    assert [f"{name} imports {other}" for name, other in edges("expc.compiler.contract")
            if other.startswith("expc.") and not any(is_inside(other, one) for one in allowed)] == []


@pytest.mark.parametrize("package", FOREIGN)
def test_foreign_packages(package: str) -> None:
    own = set(sys.stdlib_module_names) | {"expc", "__future__"}
    assert {other.split(".")[0] for _, other in edges(package)} - own <= FOREIGN[package]


def test_every_part_of_the_compiler_imports_only_what_stands_before_it() -> None:
    place = {part: index for index, part in enumerate(COMPILER_ORDER)}
    assert {part_of(name) for name in modules() if is_inside(name, "expc.compiler")} == {*place, "contract", ""}
    assert [f"{name} imports {other}" for name, other in edges("expc.compiler")
            if is_inside(other, "expc.compiler") and place.get(part_of(other), -1) > place.get(part_of(name), -1)] == []


def test_compiling_never_loads_torch() -> None:
    names = ", ".join(name for name in sorted(modules()) if is_inside(name, "expc.compiler"))
    code = (f"import sys, {names}; "
            "print({'torch', 'numpy', 'git', 'matplotlib'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout == "set()\n"


def test_a_family_is_known_to_all_three_sides() -> None:
    sides = ("compiler/contract/families", "compiler/families", "runtime/families")
    names = [{path.stem for path in (ROOT / side).iterdir() if path.suffix in ("", ".py") and path.stem[0] != "_"}
             for side in sides]
    assert names[0] == names[1] == names[2]


def test_files_are_short() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in python_files()}
    assert {name: length for name, length in lengths.items() if length >= 300} == {}
    contract = {name: length for name, length in lengths.items() if name.startswith("compiler/contract/")}
    assert {name: length for name, length in contract.items() if length > 200} == {}


def test_functions_are_short() -> None:
    lengths = {}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                place = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                lengths[place] = (node.end_lineno or node.lineno) - node.lineno + 1
    assert {place: length for place, length in lengths.items() if length > 60} == {}
    assert sum(length > 35 for length in lengths.values()) <= 0.02 * len(lengths)
    assert statistics.median(lengths.values()) <= 12


def test_every_module_says_what_it_is() -> None:
    trees = {str(path): ast.parse(path.read_text(encoding="utf-8")) for path in python_files()}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("words", ["TODO", "FIXME", "NotImplementedError", "pytest.skip(", "xfail"])
def test_nothing_is_left_for_later(words: str) -> None:
    files = [path for path in python_files() if path != Path(__file__).resolve()]
    assert [str(path) for path in files if words in path.read_text(encoding="utf-8")] == []
