"""`expc plan` as a user calls it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.compiler.commands.shell import expc


def test_plan_is_empty_right_after_a_build(workspace: Path) -> None:
    before = expc(workspace, "plan", "specs/d8_depth.yaml")
    assert (before.returncode, "not built yet" in before.stdout) == (2, True)
    expc(workspace, "build", "specs/d8_depth.yaml")
    after = expc(workspace, "plan", "specs/d8_depth.yaml")
    assert (after.returncode, "no changes" in after.stdout) == (0, True)
    assert "18,874,368" in after.stdout


def test_plan_tells_identity_from_launch(workspace: Path) -> None:
    expc(workspace, "build", "specs/d8_depth.yaml")
    changed = expc(workspace, "plan", "specs/d8_depth.yaml", "--set", "optimizer.matrix_lr=0.036", "--set",
                   "checkpoint.keep_last=5", "--json")
    assert changed.returncode == 2
    plan = json.loads(changed.stdout)[0]
    assert {"key": "training.groups.3.requested_rate", "before": 0.018, "after": 0.036, "factor": 2.0} in plan["identity"]
    assert [row["key"] for row in plan["launch"]] == ["checkpoint.keep_last"]


def test_plan_against_a_revision(workspace: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    expc(workspace, "build", "specs/d8_depth.yaml")
    subprocess.run([*git, "init", "-q"], cwd=workspace, check=True)
    subprocess.run([*git, "add", "."], cwd=workspace, check=True)
    subprocess.run([*git, "commit", "-qm", "built"], cwd=workspace, check=True)
    assert expc(workspace, "plan", "specs/d8_depth.yaml", "--against", "HEAD").returncode == 0
    wrong = expc(workspace, "plan", "specs/d8_depth.yaml", "--against", "nowhere")
    assert wrong.returncode == 64 and "nowhere" in wrong.stderr
