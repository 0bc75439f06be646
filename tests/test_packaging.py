"""What is installed: the package list against the tree, the files of a wheel, constraints that hold what is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("compiler", "runtime", "templates")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def shipped() -> set[str]:
    """Files of the packages, relative to the root."""
    return {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def test_the_package_list_is_the_tree() -> None:
    packages = {"expc." + Path(file).parent.as_posix().replace("/", ".") for file in shipped() if file.endswith(".py")}
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert listed == sorted(packages)
    folders = {name: ROOT / name.removeprefix("expc.").replace(".", "/") for name in listed}
    assert [name for name, folder in folders.items() if not (folder / "__init__.py").is_file()] == []


def test_a_wheel_holds_every_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation",
             "--wheel-dir", str(tmp_path), str(source)]
    done = subprocess.run(build, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("expc-*.whl"))) as wheel:
        files = set(wheel.namelist())
        scripts = wheel.read(next(name for name in files if name.endswith("entry_points.txt"))).decode()
    assert {name for name in files if ".dist-info/" not in name} == {f"expc/{file}" for file in shipped()}
    assert "expc = expc.compiler.cli:main" in scripts


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def plain(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement)[0]).lower()


def test_constraints_pin_all_that_is_declared_and_nothing_of_a_gpu() -> None:
    declared = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]]
    pinned = constraints()
    assert {plain(one) for one in declared} <= set(pinned)
    assert pinned["torch"] == "2.13.0"
    assert [name for name in pinned if re.match(r"nvidia|cuda|triton", name)] == []
    assert list(pinned) == sorted(pinned)


@pytest.mark.parametrize("name", constraints())
def test_the_environment_is_the_one_of_the_constraints(name: str) -> None:
    try:
        installed = distribution(name).version.partition("+")[0]
    except PackageNotFoundError:
        pytest.fail(f"{name} is not installed; run make setup")
    assert installed == constraints()[name]
