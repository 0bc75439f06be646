"""A tiny timbre_restore as a user has it: a spec, `expc build`, and the launcher through all stages to the report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from expc.runtime.errors import DONE
from expc.runtime.files import read_json
from tests.compiler.commands.shell import expc

EXAMPLE = Path(__file__).parents[1] / "compiler" / "examples" / "specs" / "timbre.yaml"
SPEC = """
extends: timbre.yaml
name: tiny
model: {sample_rate: 8000, segment: 2048, fft: [128, 256], generator: {channels: [4, 8]}, discriminators: {scales: 1}}
data: {clips: 8, valid_clips: 3, degradation: {cutoff: [1000, 2000]}}
batch: {rows: 2}
steps: null
epochs: 2
phases:
  - {name: reconstruction, to: 1 epoch, losses: {adversarial: 0, feature_matching: 0}, frozen: [discriminators]}
  - {name: adversarial, from: 1 epoch}
checkpoint: {every: 1 epoch, keep_best: {metric: valid_loss}}
eval: {validation: {every: 1 epoch, batches: 2}}
guards:
  - {when: d_real == 0 for 2 steps, then: stop, name: silent}
  - {when: d_real > 0, then: warn, name: joined}
expect: [{metric: si_sdr, above: -100}]
"""


def test_from_the_spec_to_the_report(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "timbre.yaml").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "specs" / "tiny.yaml").write_text(SPEC, encoding="utf-8")
    built = expc(tmp_path, "build", "specs/tiny.yaml")
    assert built.returncode == DONE, built.stderr
    environment = os.environ | {"EXPC_PYTHON": sys.executable, "EXPC_PREPARE_PROCESSES": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(["bash", "generated/train_tiny.sh"], cwd=tmp_path, capture_output=True, text=True, timeout=500,
                          env=environment)
    assert done.returncode == DONE, done.stderr + done.stdout
    record = read_json(tmp_path / "runs" / "tiny" / "record.json")
    assert record["outcome"] == "done" and record["step"] == 8
    assert [(one["guard"], one["step"]) for one in record["guards"]] == [("joined", 5)], "absent figures fired a guard"
    report = (tmp_path / "runs" / "tiny" / "EXPERIMENT_TINY_RESULTS.en.md").read_text(encoding="utf-8")
    assert "**met**" in report and "evaluation/step_000008/spectrograms.png" in report and "(synthetic)" in report
