"""A tiny glyph VAE through the real command line: from spec to report, interrupted and resumed, and in two processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.journal import read_lines
from tests.compiler.commands.shell import expc
from tests.runtime import processes

EXAMPLE = Path(__file__).parents[1] / "compiler" / "examples" / "specs" / "glyphs.yaml"
TINY = {"extends": "glyphs.yaml", "name": "tiny", "steps": 24, "data": {"characters": "ABOo", "glyphs": 40},
        "model": {"image_size": 16, "patch": 4, "dim": 16, "heads": 2}, "checkpoint": {"every": 8},
        "optimizer": {"kl_warmup_steps": 10, "image_dropout": "50%"}, "schedule": {"warmup_steps": 2},
        "phases": [{"name": "first", "to": 9, "losses": {"l1": 10}}, {"name": "second", "to": 18, "batch": {"workers": 1}}],
        "eval": {"validation": {"every": 8, "batches": 2}},
        "guards": [{"when": "no improvement of valid_ce by 100 for 1 epochs", "then": "warn", "name": "stalls"}],
        "expect": [{"metric": "chamfer", "below": 2}, {"metric": "valid_ce", "below": 5}]}


def workspace(folder: Path, **changes: object) -> Path:
    """A workspace with the tiny spec, built; its snapshot."""
    (folder / "specs").mkdir(parents=True)
    shutil.copy(EXAMPLE, folder / "specs")
    (folder / "specs" / "tiny.yaml").write_text(yaml.safe_dump(TINY | changes))
    built = expc(folder, "build", "specs/tiny.yaml")
    assert built.returncode == 0, built.stderr
    return folder / "generated" / "tiny" / "snapshot.json"



def figures(folder: Path) -> list[dict[str, object]]:
    """Every metric that is not a time."""
    return [line for line in read_lines(folder / "runs" / "tiny" / "metrics.jsonl") if line["kind"] != "pace"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the run has gone all the way."""
    folder = tmp_path_factory.mktemp("whole") / "work"
    code, log = processes.command(folder, "run", str(workspace(folder)))
    assert code == DONE, log
    return folder


def test_from_spec_to_report(whole: Path) -> None:
    run = whole / "runs" / "tiny"
    record = json.loads((run / "record.json").read_text())
    assert record["outcome"] == "done" and record["data"]["glyphs"]["train"] == 40
    assert [one["guard"] for one in record["guards"]] == ["stalls"]  # 24 updates of 4 glyphs
    report = (run / "EXPERIMENT_TINY_RESULTS.en.md").read_text()
    assert "Chamfer distance of outlines" in report and "Untrained model" in report and "reconstructions.png" in report
    found = json.loads((run / "evaluation" / "step_000024.json").read_text())["findings"]
    assert found["measured"].keys() == found["against"]["untrained"].keys()


def test_interrupted_and_resumed_equals_uninterrupted(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    path = workspace(folder)
    process = processes.start_command(folder, "run", str(path), "--stage", "prepare", "--stage", "train")
    process.wait_until(lambda: (folder / "runs" / "tiny" / "checkpoints" / "step_000008").is_dir())
    process.signal(signal.SIGTERM)
    assert process.end()[0] in (INTERRUPTED, DONE)
    code, log = processes.command(folder, "run", str(path), "--stage", "train")
    assert code == DONE, log
    one, two = (place / "runs" / "tiny" / "checkpoints" / "step_000024" / "glyph_vae.safetensors" for place in (whole, folder))
    assert one.read_bytes() == two.read_bytes()
    assert figures(whole) == figures(folder)


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    """As many samples an update as one process would take; gradients averaged, so both hold the same weights."""
    folder = tmp_path / "work"
    path = workspace(folder, batch={"rows": 2, "ranks": 2, "total_tokens": 4}, phases=[], steps=8)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "expc.runtime",
               "run", str(path), "--stage", "prepare", "--stage", "train"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    alone = tmp_path / "alone"
    path = workspace(alone, phases=[], steps=8)
    code, log = processes.command(alone, "run", str(path), "--stage", "prepare", "--stage", "train")
    assert code == DONE, log
    losses = [[line["loss"] for line in figures(place) if line["kind"] == "train"] for place in (folder, alone)]
    assert len(losses[0]) == 8 and losses[0] == pytest.approx(losses[1], rel=1e-4)
