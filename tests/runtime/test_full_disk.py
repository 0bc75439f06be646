"""A disk that fills up: the run stops with a message, what was saved is whole, and with more room it goes on."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import checkpoint
from expc.runtime.errors import DONE, FAILED
from expc.runtime.files import read_json
from expc.runtime.live import status
from tests.runtime import processes, toy_family
from tests.runtime.supervise import programs


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A workspace on a real disk of its own, of two megabytes, in memory."""
    (tmp_path / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path / "disk")], check=True)
    (tmp_path / "disk" / "specs").mkdir()
    with toy_family.registered():
        yield tmp_path / "disk"
    subprocess.run(["umount", "--lazy", str(tmp_path / "disk")], check=True)


def may_mount(folder: Path) -> bool:
    """Whether this process may make disks: containers often may not, even as root."""
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True).returncode:
        return False
    return subprocess.run(["umount", "--lazy", str(folder)]).returncode == 0


@pytest.mark.skipif(not may_mount(Path("/mnt")), reason="this process may not make a small disk")
@pytest.mark.parametrize("free", [0, 30_000])
def test_a_full_disk_stops_the_run_and_leaves_whole_what_was_saved(small: Path, free: int) -> None:
    made = toy_family.experiment(toy_family.with_model(toy_family.training(200), delay=0.02))
    process = processes.start(small, made)
    process.wait_until(lambda: (small / "runs" / "toy" / "checkpoints" / "step_000020").is_dir())
    with (small / "filler").open("wb") as filler:
        while (room := os.statvfs(small).f_bavail * os.statvfs(small).f_frsize - free) > 0:
            filler.write(b"x" * min(room, 4096))
            filler.flush()
    code, log = process.end()
    assert code == FAILED and "Traceback" not in log
    assert "the disk is full" in log and re.search(r"needs about \d+.* are free", log)
    assert read_json(small / "runs" / "toy" / "record.json")["outcome"] == "failed"
    assert status.rows(small)[0]["outcome"] == "failed"
    found, skipped = checkpoint.newest(small / "runs" / "toy" / "checkpoints", training_sha256(made.training))
    assert found is not None and found.position.step >= 20 and skipped == []
    (small / "filler").unlink()
    code, log = processes.run(small, made)
    assert code == DONE and f"going on from {found.folder.name}" in log
    assert read_json(small / "runs" / "toy" / "record.json")["outcome"] == "done"


@pytest.mark.skipif(not may_mount(Path("/mnt")), reason="this process may not make a small disk")
@pytest.mark.parametrize("fills", ["print('x' * 100_000)", "open(args.out + '/filler', 'ab', 0).write(bytes(100_000))"],
                         ids=["output", "files"])
def test_a_program_that_fills_the_disk_is_a_failed_run(small: Path, fills: str) -> None:
    """Its log and its own files fill it; the record is written from what was held in reserve."""
    made = programs.make(small, programs.SCRIPT.replace("    step += 1", f"    step += 1; {fills}"))
    code, log = made.start().end()
    assert code == FAILED and "Traceback (most recent call last)" not in log.split("error: ")[-1].split("last lines")[0], log
    assert "\nerror: " in log and "No space left on device" in log
    assert made.record["outcome"] == status.rows(small)[0]["outcome"] == "failed"
    assert made.record["stages"]["train"]["outcome"] == "failed" and made.record["step"] == made.steps()[-1]
