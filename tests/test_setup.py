"""`make setup` with a stand-in for Python and pip: which PyTorch it takes, when it stops, that it is quick again."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Makes an environment that holds itself as python, notes what pip is asked for, and offers the PyTorch builds $OFFERED.
STAND_IN = r"""#!/usr/bin/env bash
case "$*" in
    "-c import sys, venv, ensurepip"*) exit "${UNSUITABLE:-0}" ;;
    "-c import sysconfig"*) mkdir -p .venv/site-packages; echo "$PWD/.venv/site-packages" ;;
    "-c from importlib"*) cat .venv/torch 2>/dev/null || true ;;
    "-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    "-m pip index versions torch") printf 'torch (9)\nAvailable versions: %s\n  LATEST: 9\n' "${OFFERED:-2.13.0}" ;;
    "-m pip install"*) echo "$*" >>calls; [[ "$*" != *torch==* ]] || echo 2.13.0 >.venv/torch ;;
    --version) echo "Python 3.12" ;;
esac
"""
BOTH = "9.0, 2.13.1+cpu, 2.13.0+cpu, 2.13.0, 2.12.0"


@dataclass(frozen=True)
class Checkout:
    """A folder with what `scripts/setup.sh` reads."""

    folder: Path
    environment: dict[str, str]

    def setup(self, **environment: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(self.folder / "scripts" / "setup.sh")]
        return subprocess.run(command, cwd="/", text=True, capture_output=True, env=self.environment | environment)

    @property
    def calls(self) -> list[str]:
        """What pip was asked to install, without the options that every call has."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line.removeprefix("-m pip install --disable-pip-version-check --no-input ") for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, programs = tmp_path / "check out", tmp_path / "bin"
    for name in ("pyproject.toml", "constraints.txt", "scripts/setup.sh"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    programs.mkdir()
    for name, text in (("python3", STAND_IN), ("nvidia-smi", '#!/usr/bin/env bash\nexit "${GPU_MISSING:-1}"\n')):
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    return Checkout(folder, {"PATH": f"{programs}:{os.environ['PATH']}"})


INSTALL = "--constraint constraints.txt --editable .[test]"


def test_a_cpu_build_that_pip_finds_is_taken(checkout: Checkout) -> None:
    done = checkout.setup(OFFERED=BOTH)
    assert done.returncode == 0, done.stderr
    assert checkout.calls == ["--no-deps torch==2.13.0+cpu", INSTALL]
    links = checkout.folder / ".venv" / "site-packages" / "expc"
    assert {link.name: link.readlink() for link in links.iterdir()} == {
        name: checkout.folder / name for name in ("compiler", "runtime", "templates")}


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="the registry's build is a CUDA build on Linux only")
def test_the_cuda_build_is_not_fetched_without_a_gpu(checkout: Checkout) -> None:
    done = checkout.setup(OFFERED="2.14.0, 2.13.0")
    assert done.returncode == 1
    assert "make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu" in done.stderr
    assert checkout.calls == []


def test_with_a_gpu_the_registrys_build_is_right(checkout: Checkout) -> None:
    assert checkout.setup(OFFERED="2.14.0, 2.13.0", GPU_MISSING="0").returncode == 0
    assert checkout.calls == ["--no-deps torch==2.13.0", INSTALL]


def test_an_index_serves_torch_and_nothing_else(checkout: Checkout) -> None:
    assert checkout.setup(TORCH_INDEX="https://example.org/whl/cpu").returncode == 0
    assert checkout.calls == ["--no-deps --index-url https://example.org/whl/cpu torch==2.13.0", INSTALL]


def test_it_does_nothing_until_something_changes(checkout: Checkout) -> None:
    assert checkout.setup(OFFERED=BOTH).returncode == 0
    assert checkout.setup(OFFERED=BOTH).stderr == ""
    assert len(checkout.calls) == 2
    with (checkout.folder / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("zzz==1\n")
    assert checkout.setup(OFFERED=BOTH).returncode == 0
    assert checkout.calls[2:] == [INSTALL]


def test_without_a_suitable_python_it_says_what_to_install(checkout: Checkout) -> None:
    for name in ("python3.13", "python3.12", "python3.11"):
        (Path(checkout.environment["PATH"].split(":")[0]) / name).symlink_to("python3")
    done = checkout.setup(UNSUITABLE="1")
    assert done.returncode == 1
    assert "apt-get install python3 python3-venv" in done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing_in_our_own_scripts() -> None:
    scripts = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]
    assert all(script.stat().st_mode & 0o111 for script in scripts)
    done = subprocess.run(["shellcheck", *scripts], text=True, capture_output=True)
    assert done.stdout == "" and done.returncode == 0


def test_make_lists_its_commands() -> None:
    done = subprocess.run(["make", "-C", str(ROOT), "--no-print-directory"], text=True, capture_output=True, check=True)
    assert all(f"make {name} " in done.stdout for name in ("demo", "test", "check", "setup", "clean-runs"))
