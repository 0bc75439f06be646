"""A build that fails or is killed at any point: no file is ever half there, the mix of old and new is noticed and refused,
and the next build mends it. Faults are put into the file layer of a forked process, at each of its operations in turn."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from expc.compiler import emit
from expc.compiler.cli import commands
from expc.compiler.contract import files, manifest
from expc.runtime.errors import UserError
from expc.runtime.snapshot import load

ROOT = Path(__file__).parents[2]
OLD = {"train.sh": "echo old\n", "run/snapshot.json": '{"old": 1}\n', "run/same.md": "same\n", "run/left.md": "left\n"}
NEW = {"train.sh": "echo new\n", "run/snapshot.json": '{"new": 22}\n', "run/same.md": "same\n", "other/new.md": "new\n" * 9999}
Fault = Callable[[], None]


def refused(number: int) -> Fault:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS: dict[str, Fault] = {"full disk": refused(errno.ENOSPC), "broken disk": refused(errno.EIO), "killed": killed}


class Faulty:
    """Stands for the module `os`: its n-th operation on files has the fault; a write has it after half of the data."""

    def __init__(self, n: int, fault: Fault) -> None:
        self.left, self.fault = n, fault

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in ("open", "fsync", "fchmod", "replace", "unlink", "fdopen", "close"):
            return real
        return lambda *arguments, **named: self.operation(real, *arguments, **named)

    def operation(self, real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left:
            made = real(*arguments, **named)
            return Halving(made, self) if real is os.fdopen else made
        self.fault()


class Halving:
    """A file whose write counts as an operation."""

    def __init__(self, file: Any, faulty: Faulty) -> None:
        self.file, self.faulty = file, faulty

    def __enter__(self) -> Halving:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def flush(self) -> None:
        self.file.flush()

    def write(self, data: bytes) -> None:
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        self.faulty.operation(lambda: self.file.write(data[len(data) // 2 :]))


def hit(n: int, fault: Fault, work: Callable[[], object]) -> int:
    """Does the work in a forked process whose n-th file operation has the fault. Exit code: 0 there was no such operation,
    1 it failed as it should, -9 it was killed."""
    process = os.fork()
    if not process:
        code = 70
        try:
            faulty = Faulty(n, fault)
            files.os = faulty
            files.tempfile = SimpleNamespace(mkstemp=functools.partial(faulty.operation, tempfile.mkstemp))
            work()
            code = 0 if faulty.left > 0 else 1
        except OSError:
            code = 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def at_each_operation(fault: Fault, work: Callable[[], object]) -> Iterator[int]:
    """Hits every operation of the work in turn; the number of the operation is given after each."""
    for n in range(1, 1000):
        code = hit(n, fault, work)
        if code == 0:
            assert n > 10
            return
        assert code == (-signal.SIGKILL if fault is killed else 1)
        yield n


def entry(texts: dict[str, str]) -> dict[str, Any]:
    outputs = {name: emit.digest(text) for name, text in texts.items()}
    return {"spec": "specs/a.yaml", "profile": None, "overrides": [], "outputs": outputs}


def build(folder: Path, texts: dict[str, str]) -> list[str]:
    return emit.write_build(folder, {"run": entry(texts)}, texts)


def held(folder: Path) -> dict[str, bytes]:
    """Every file that somebody would read."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith(files.PART)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_fails_anywhere_leaves_the_old_file_or_the_new_one(fault: str, tmp_path: Path) -> None:
    for _ in at_each_operation(FAULTS[fault], lambda: (files.write_atomic(tmp_path / "a", "new" * 9999),
                                                       files.write_atomic(tmp_path / "b", "new" * 9999))):
        assert set(held(tmp_path).values()) <= {b"old", b"new" * 9999}
        assert fault == "killed" or set(os.listdir(tmp_path)) <= {"a", "b"}
        files.remove_parts(tmp_path)
        assert set(os.listdir(tmp_path)) <= {"a", "b"}
        for name in "ab":
            (tmp_path / name).write_text("old")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_build_that_fails_anywhere_is_noticed_and_mended(fault: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    build(whole, OLD)
    old = held(whole)
    build(whole, NEW)
    new = held(whole)
    folder = tmp_path / "generated"
    build(folder, OLD)
    for _ in at_each_operation(FAULTS[fault], lambda: build(folder, NEW)):
        found = held(folder)
        assert all(data in (old.get(name), new.get(name)) for name, data in found.items())
        listed = manifest.read(folder)["run"]["outputs"]
        assert found == new or emit.stale(folder, NEW, listed) or listed != entry(NEW)["outputs"]
        build(folder, NEW)
        assert held(folder) == new and not list(folder.rglob(f"*{files.PART}"))
        build(folder, OLD)
        assert held(folder) == old


SNAPSHOT, LAUNCHER = "d4_baseline/snapshot.json", "train_d4_baseline.sh"
RESEEDED = ("specs/d4_baseline.yaml", "--set", "seed=7")


def expc(*words: str) -> int:
    """A command of the compiler, in this process."""
    done = CliRunner().invoke(commands, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code


def can_be_launched(workspace: Path) -> bool:
    """Whether the launcher takes the snapshot that is there for its own."""
    dry = ["bash", f"generated/{LAUNCHER}", "--dry-run"]
    done = subprocess.run(dry, cwd=workspace, env=os.environ | {"EXPC_PYTHON": "/bin/true"}, capture_output=True)
    assert done.returncode in (0, 64)
    return done.returncode == 0


def can_be_run(workspace: Path) -> bool:
    """Whether `expc run` would take the snapshot."""
    try:
        load(workspace / "generated" / SNAPSHOT)
    except UserError:
        return False
    return True


@pytest.mark.parametrize("fault", ["full disk", "killed"])
def test_a_real_build_that_fails_anywhere_is_noticed_refused_and_mended(fault: str, tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "specs", "specs")
    folder = tmp_path / "generated"
    assert expc("build", *RESEEDED) == 0
    new = held(folder)
    assert expc("build", "specs/d4_baseline.yaml") == 0
    old = held(folder)
    shutil.copytree(folder, tmp_path / "kept")
    for n in at_each_operation(FAULTS[fault], lambda: expc("build", *RESEEDED)):
        found = held(folder)
        assert all(data in (old[name], new[name]) for name, data in found.items()) and found.keys() == old.keys()
        assert (expc("build", "--check", *RESEEDED) == 0) == (found == new)
        listed = manifest.read(folder)["d4_baseline"]["outputs"][SNAPSHOT]
        assert can_be_run(tmp_path) == (hashlib.sha256(found[SNAPSHOT]).hexdigest() == listed)
        if n % 8 == 0:
            assert can_be_launched(tmp_path) == any((found[LAUNCHER], found[SNAPSHOT]) == (one[LAUNCHER], one[SNAPSHOT])
                                                    for one in (old, new))
        assert expc("build", *RESEEDED) == 0 and held(folder) == new and not list(folder.rglob(f"*{files.PART}"))
        shutil.copytree(tmp_path / "kept", folder, dirs_exist_ok=True)
