"""`expc build --check`: what it finds on disk, and what it says to do."""

from __future__ import annotations

import json
from pathlib import Path

from tests.compiler.commands.shell import ROOT, edit, expc


def test_check_tells_what_is_stale_and_a_build_mends_it(workspace: Path) -> None:
    assert expc(workspace, "build", "--check").returncode == 2
    expc(workspace, "build")
    expc(workspace, "build", "--profile", "smoke")
    fresh = expc(workspace, "build", "--check")
    assert (fresh.returncode, "10 builds are up to date" in fresh.stdout) == (0, True)
    generated = workspace / "generated"
    (generated / "train_d8_depth.sh").write_text("echo edited\n")
    (generated / "d6_wide" / "snapshot.json").unlink()
    spec = workspace / "specs" / "d4_baseline.yaml"
    spec.write_text(spec.read_text().replace("steps: 1000", "steps: 1001").replace("{every: 1000}", "{every: 1001}"))
    v2 = workspace / "specs" / "d8_v2.yaml"
    v2.write_text(v2.read_text().replace("step: 1000}", "step: 1001}"))
    stale = expc(workspace, "build", "--check")
    assert stale.returncode == 2
    said = dict(line.split(": ", 1) for line in stale.stderr.splitlines())
    assert said["generated/train_d8_depth.sh"] == "changed by hand"
    assert said["generated/d6_wide/snapshot.json"] == "missing"
    assert said["generated/d4_baseline/snapshot.json"] == "out of date"
    assert "generated/d6_wide/rate_schedule.svg" not in said
    expc(workspace, "build")
    expc(workspace, "build", "--profile", "smoke")
    assert expc(workspace, "build", "--check").returncode == 0


def test_a_spec_that_is_gone_is_orphaned_and_a_build_clears_it(workspace: Path) -> None:
    spec = workspace / "specs" / "other.yaml"
    spec.write_text((workspace / "specs" / "d4_baseline.yaml").read_text().replace("name: d4_baseline", "name: other"))
    expc(workspace, "build")
    assert (workspace / "generated" / "train_other.sh").is_file()
    spec.unlink()
    stale = expc(workspace, "build", "--check")
    assert stale.returncode == 2 and "train_other.sh: orphaned" in stale.stderr
    assert expc(workspace, "build").returncode == 0
    assert not (workspace / "generated" / "train_other.sh").exists()
    assert expc(workspace, "build", "--check").returncode == 0


def test_a_renamed_experiment_leaves_nothing_behind(workspace: Path) -> None:
    expc(workspace, "build")
    expc(workspace, "build", "specs/d6_wide.yaml", "--profile", "smoke")
    edit(workspace / "specs" / "d6_wide.yaml", "name: d6_wide", "name: d6_broad")
    for words in ((), ("specs/d6_wide.yaml",)):
        stale = expc(workspace, "build", *words, "--check").stderr.splitlines()
        assert "generated/train_d6_wide.sh: orphaned, d6_wide is no longer specified" in stale
        assert "generated/train_d6_broad.sh: missing" in stale
    assert expc(workspace, "build", "specs/d6_wide.yaml").returncode == 0
    assert not (workspace / "generated" / "train_d6_wide.sh").exists()
    assert (workspace / "generated" / "train_d6_wide.smoke.sh").is_file()
    assert expc(workspace, "build").returncode == 0
    assert not (workspace / "generated" / "train_d6_wide.smoke.sh").exists()


def test_every_finding_has_its_next_step(workspace: Path) -> None:
    expc(workspace, "build", "specs/d4_baseline.yaml")
    expc(workspace, "build", "specs/d4_baseline.yaml", "--profile", "smoke", "--set", "title=an other one")
    generated = workspace / "generated"
    edit(generated / "train_d4_baseline.sh", "set -euo pipefail", "set -eu")
    (generated / "train_d4_baseline.smoke.sh").unlink()
    (generated / "d4_baseline" / "notes.md").write_text("mine")
    (generated / ".gitattributes").write_text("* linguist-generated\n")
    for name in ("d6_wide", "d8_depth", "d8_v2", "own_script"):
        (workspace / "specs" / f"{name}.yaml").unlink()
    stale = expc(workspace, "build", "--check")
    assert (stale.returncode, stale.stdout) == (2, "")
    assert stale.stderr.splitlines() == [
        "generated/train_d4_baseline.sh: changed by hand",
        "  next: expc build specs/d4_baseline.yaml  (it overwrites what was changed; put that into the spec)",
        "generated/train_d4_baseline.smoke.sh: missing",
        "  next: expc build specs/d4_baseline.yaml --profile smoke --set 'title=an other one'",
        "generated/d4_baseline/notes.md: made by no build",
        "  next: move it elsewhere, or delete it: generated/ is overwritten by builds"]
    rows = json.loads(expc(workspace, "build", "--check", "--json").stdout)
    assert {"file": "d4_baseline/notes.md", "why": "made by no build",
            "next": "move it elsewhere, or delete it: generated/ is overwritten by builds"} in rows


def test_profile_and_overrides_count_without_specs_too(workspace: Path) -> None:
    expc(workspace, "build")
    fresh = expc(workspace, "build", "--check")
    assert (fresh.returncode, fresh.stdout) == (0, "5 builds are up to date\n")
    smoke = expc(workspace, "build", "--check", "--profile", "smoke")
    assert smoke.returncode == 2 and "generated/train_d6_wide.smoke.sh: missing" in smoke.stderr
    forced = expc(workspace, "build", "--check", "--set", "seed=7")
    assert forced.returncode == 2 and "generated/d6_wide/snapshot.json: out of date" in forced.stderr
    assert "next: expc build specs/d6_wide.yaml --set seed=7" in forced.stderr
    expc(workspace, "build", "--profile", "smoke")
    smoke = expc(workspace, "build", "--check", "--profile", "smoke")
    assert (smoke.returncode, smoke.stdout) == (0, "5 builds are up to date\n")


def test_a_manifest_that_is_no_longer_one_is_said(workspace: Path) -> None:
    expc(workspace, "build", "specs/d4_baseline.yaml")
    (workspace / "generated" / "manifest.json").write_text("{")
    stale = expc(workspace, "build", "--check")
    assert stale.returncode == 2 and "manifest.json: lists nothing that can be read" in stale.stderr
    assert "made by no build" not in stale.stderr  # nobody knows
    assert expc(workspace, "build").returncode == 0 and expc(workspace, "build", "--check").returncode == 0


def test_every_shipped_build_is_up_to_date() -> None:
    shown = expc(ROOT, "build", "--check")
    assert shown.returncode == 0, shown.stderr
