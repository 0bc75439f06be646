"""The smoke profile's whole path at a tinier size, through the real command line: from a spec to a report and to samples."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from expc.runtime.midi import files
from tests.compiler.commands.shell import ROOT, expc

TINY = {"steps": 24, "model.dim": 16, "model.depth": 1, "model.heads": 2, "model.sequence_length": 256, "model.bars": 16,
        "data.pieces": 20, "batch.total_tokens": 2048, "schedule.warmup_steps": 2, "checkpoint.every": 12,
        "eval.validation.every": 12}


def test_from_a_spec_to_a_report_and_to_midi(tmp_path: Path) -> None:
    for name in ("meloformer_small.yaml", "shared/meloformer.yaml"):
        (tmp_path / "specs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "specs" / name, tmp_path / "specs" / name)
    changes = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    built = expc(tmp_path, "build", "specs/meloformer_small.yaml", "--profile", "smoke", *changes)
    assert built.returncode == 0, built.stderr
    done = expc(tmp_path, "run", "generated/meloformer_small.smoke/snapshot.json", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "meloformer_small.smoke"
    report = (run / "EXPERIMENT_MELOFORMER_SMALL_RESULTS.en.md").read_text(encoding="utf-8")
    assert "| Loss from the ninth bar on |" in report and "[piece_1.mid](evaluation/step_000024/piece_1.mid)" in report
    measured = json.loads((run / "evaluation" / "step_000024.json").read_text(encoding="utf-8"))["findings"]
    assert measured["against"]["data"]["grammar_validity"] == 1.0

    written = expc(tmp_path, "generate", "meloformer_small.smoke", "--count", "1", "--out", "music", "--step", "12")
    assert written.returncode == 0, written.stderr
    assert written.stdout.splitlines()[-1] == "music/piece_001.mid" and files.midi_files(tmp_path / "music")
    again = expc(tmp_path, "generate", "meloformer_small.smoke", "--out", "music")
    assert again.returncode == 64 and "is there already" in again.stderr
    absent = expc(tmp_path, "generate", "meloformer_small.smoke", "--step", "7")
    assert absent.returncode == 69 and "no usable checkpoint at step 7" in absent.stderr
