"""`expc build --check`: what it finds on disk, and what it says to do."""

from __future__ import annotations

from pathlib import Path

from tests.compiler.commands.shell import ROOT, expc


def test_check_tells_what_is_stale_and_a_build_mends_it(workspace: Path) -> None:
    assert expc(workspace, "build", "--check").returncode == 2
    expc(workspace, "build")
    expc(workspace, "build", "--profile", "smoke")
    fresh = expc(workspace, "build", "--check")
    assert (fresh.returncode, "8 builds are up to date" in fresh.stdout) == (0, True)
    generated = workspace / "generated"
    (generated / "train_d8_depth.sh").write_text("echo edited\n")
    (generated / "d6_wide" / "snapshot.json").unlink()
    spec = workspace / "specs" / "d4_baseline.yaml"
    spec.write_text(spec.read_text().replace("steps: 1000", "steps: 1001").replace("{every: 1000}", "{every: 1001}"))
    v2 = workspace / "specs" / "d8_v2.yaml"
    v2.write_text(v2.read_text().replace("step: 1000}", "step: 1001}"))
    stale = expc(workspace, "build", "--check")
    assert stale.returncode == 2
    said = {line.split(": ")[0]: line.split(": ")[1] for line in stale.stderr.splitlines() if ": " in line}
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


def test_every_shipped_build_is_up_to_date() -> None:
    shown = expc(ROOT, "build", "--check")
    assert shown.returncode == 0, shown.stderr
