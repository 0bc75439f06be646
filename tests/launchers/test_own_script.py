"""The shipped script that knows nothing of expc, from its spec to its report: built, launched, ended in the middle, gone on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from expc.compiler.emit import write_build
from expc.compiler.pipeline import Session, artifacts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """A workspace of its own with the smoke profile of `own_script`, long enough to be hit by a signal."""
    for folder in ("specs", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "source", "documents"))
    experiment = Session(tmp_path, "smoke").compile(tmp_path / "specs" / "own_script.yaml", ("steps=600",)).experiment
    assert experiment is not None
    write_build(tmp_path / "generated", {}, artifacts(experiment))
    yield tmp_path


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition; a busy machine takes a while to load PyTorch twice."""
    end = time.monotonic() + 150
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return kept | {"EXPC_PYTHON": sys.executable}


def losses(run: Path) -> list[tuple[int, str, float]]:
    """Every figure of the journal: step, name, value."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], name, value) for line in lines if line["kind"] != "pace"
            for name, value in line.items() if name not in ("step", "kind")]


def ends_in_the_middle(run: Path, process: subprocess.Popen[str]) -> None:
    log = run / "output.log"
    until(lambda: log.exists() and "step 101/" in log.read_text())
    process.send_signal(signal.SIGTERM)


def test_interrupted_and_resumed_equals_uninterrupted(workspace: Path) -> None:
    launcher, run = workspace / "generated" / "train_own_script.smoke.sh", workspace / "runs" / "own_script.smoke"
    with subprocess.Popen(["bash", launcher], env=environment(), text=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        ends_in_the_middle(run, process)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 75 and "train was interrupted; to go on: bash" in said, said
    again = subprocess.run(["bash", launcher, "--from", "train"], env=environment(), text=True, capture_output=True)
    assert again.returncode == 0, again.stderr
    assert "going on from step_000" in again.stderr
    interrupted = losses(run)
    run.rename(workspace / "kept")
    done = subprocess.run(["bash", launcher, "--only", "train"], env=environment(), text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert losses(run) == interrupted
    document = (workspace / "kept" / "EXPERIMENT_OWN_SCRIPT_RESULTS.en.md").read_text(encoding="utf-8")
    assert "**met**" in document and "interrupted, can go on" in document


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_in_tmux(workspace: Path) -> None:
    run = workspace / "runs" / "own_script.smoke"
    with tempfile.TemporaryDirectory() as sockets:
        tmux = environment() | {"TMUX_TMPDIR": sockets}
        launcher = ["bash", workspace / "generated" / "train_own_script.smoke.tmux.sh", "--wait"]
        with subprocess.Popen([*launcher, "--from", "train", "--skip", "evaluate"], env=tmux, text=True,
                              stdout=subprocess.DEVNULL) as waiting:
            until(lambda: (run / "output.log").exists() and "step 5/" in (run / "output.log").read_text())
            subprocess.run(["tmux", "kill-session", "-t", "own_script_smoke"], env=tmux, check=True)
            assert waiting.wait(120) == 75
        assert json.loads((run / "record.json").read_text())["outcome"] == "interrupted"
        done = subprocess.run([*launcher, "--only", "train"], env=tmux, text=True, capture_output=True, timeout=300)
        assert done.returncode == 0 and "ended with exit code 0" in done.stdout
        subprocess.run(["tmux", "kill-server"], env=tmux, capture_output=True)
