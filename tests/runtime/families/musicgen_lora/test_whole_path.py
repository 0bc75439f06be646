"""Two runs of a series through the real command line: built, trained, evaluated, reported on, and quoted together."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compiler.commands.shell import CALL
from tests.compiler.test_claims import EXAMPLES

SHARED = """
extends: lora.yaml
model: {pretraining_steps: 8}
data: {clips: 8, held_out: 4, audio_seconds: 1s, sample_rate: 4000}
steps: null
epochs: 1
eval: {validation: {every: 2}}
report: {language: [en]}
"""
FIRST = """
extends: shared/tiny.yaml
name: first
data: {clip_seconds: 2s, mask_padding: false}
batch: {rows: 2, total_tokens: 100}
checkpoint: {every: 2}
acknowledge: [{code: W510, reason: The fault is wanted.}]
"""
LAST = """
extends: shared/tiny.yaml
name: last
data: {clip_seconds: 1s}
batch: {rows: 2, total_tokens: 50}
checkpoint: {every: 2, keep_best: {metric: sounding_loss}}
series: {name: two, title: Two runs, runs: [{spec: first.yaml}]}
"""


def call(workspace: Path, *words: str) -> None:
    """The `expc` program, with time for training."""
    done = subprocess.run([sys.executable, "-c", CALL, *words], cwd=workspace, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    (folder / "specs/shared").mkdir(parents=True)
    shutil.copy(EXAMPLES / "specs/lora.yaml", folder / "specs/shared/lora.yaml")
    for name, text in (("shared/tiny", SHARED), ("first", FIRST), ("last", LAST)):
        (folder / f"specs/{name}.yaml").write_text(text)
    call(folder, "build")
    (folder / "runs/first").mkdir(parents=True)
    (folder / "runs/first/notes.md").write_text("It falls silent after a second.\n")
    for name in ("first", "last"):
        call(folder, "run", f"generated/{name}/snapshot.json")
    return folder


def test_checkpoints_hold_the_adapter_alone(workspace: Path) -> None:
    found = sorted(path.name for path in (workspace / "runs/last/checkpoints/step_000004").glob("*.safetensors"))
    assert found == ["adapter_model.safetensors"]
    record = json.loads((workspace / "runs/last/record.json").read_text())
    assert record["outcome"] == "done" and record["parameters"] == {"adapter_model": 26 * 32 * 8 * 2}


def test_the_results_document_shows_each_model_and_its_clips(workspace: Path) -> None:
    text = (workspace / "runs/last/EXPERIMENT_LAST_RESULTS.md").read_text()
    assert "Base (without the adapter)" in text and "final_model/01.wav" in text and "comparison_results.jsonl" in text
    assert (workspace / "runs/last/evaluation/step_000004/final_model/01.wav").is_file()


def test_the_series_sets_all_runs_side_by_side(workspace: Path) -> None:
    text = (workspace / "runs/last/SERIES_TWO_RESULTS.md").read_text()
    assert "| Metric | `first` | `last` |" in text and "> It falls silent after a second." in text
    losses = next(line for line in text.splitlines() if line.startswith("| Validation loss"))
    assert losses.endswith(" B |") and " A |" in losses
    for measure in ("Loss on sounding frames", "Loss on the new style"):  # the mask is what differs, and takes no part in them
        line = next(line for line in text.splitlines() if line.startswith(f"| {measure}"))
        assert "–" not in line and " A |" not in line and " B |" not in line
    assert (workspace / "runs/last/figures/series_loss.png").stat().st_size > 10_000


def test_what_was_trained_from_another_spec_is_a_dash(workspace: Path) -> None:
    spec = workspace / "specs/first.yaml"
    spec.write_text(spec.read_text() + "seed: 9\n")
    call(workspace, "build")
    call(workspace, "run", "generated/last/snapshot.json", "--stage", "report")
    text = (workspace / "runs/last/SERIES_TWO_RESULTS.md").read_text()
    assert "| Outcome | not trained yet | training finished |" in text
    assert "| Validation loss | – |" in text
