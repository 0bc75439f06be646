"""`expc plan` as a user calls it: predictions, what a build would change, on disk and in git, and the exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compiler.commands.shell import commit, edit, expc


def test_plan_is_empty_right_after_a_build(workspace: Path) -> None:
    before = expc(workspace, "plan", "specs/d8_depth.yaml")
    assert (before.returncode, "everything is new" in before.stdout) == (2, True)
    expc(workspace, "build", "specs/d8_depth.yaml")
    after = expc(workspace, "plan", "specs/d8_depth.yaml")
    assert (after.returncode, "no changes" in after.stdout) == (0, True)
    assert "18,874,368" in after.stdout


def test_plan_tells_identity_from_launch(workspace: Path) -> None:
    expc(workspace, "build", "specs/d8_depth.yaml")
    words = ("plan", "specs/d8_depth.yaml", "--set", "optimizer.matrix_lr=0.036", "--set", "checkpoint.keep_last=5")
    changed = expc(workspace, *words, "--json")
    assert changed.returncode == 2
    plan = json.loads(changed.stdout)[0]
    said = [(row["key"], row["before"], row["after"], row["factor"], row["effect"]) for row in plan["changes"]
            if not row["derived"]]
    assert said[:2] == [("optimizer.matrix_lr", 0.018, 0.036, 2.0, "identity"), ("checkpoint.keep_last", 3, 5, 5 / 3, "launch")]
    assert {key for key, *_ in said[2:]} == {"notes[optimizer].text.zh", "notes[optimizer].text.en"}  # about the rate before
    assert "optimizer.matrix_lr  0.018 -> 0.036  (x 2)" in expc(workspace, *words).stdout
    assert "| `optimizer.matrix_lr` | `0.018` | `0.036` | × 2 |" in expc(workspace, *words, "--format", "markdown").stdout


def test_all_specs_are_planned_where_none_is_named(workspace: Path) -> None:
    expc(workspace, "build", "--profile", "smoke")
    planned = expc(workspace, "plan", "--profile", "smoke", "--format", "markdown")
    assert planned.returncode == 0
    assert planned.stdout.splitlines()[0] == "## expc plan: 0 of 5 experiments change"


def test_further_targets_are_estimated(workspace: Path) -> None:
    planned = expc(workspace, "plan", "specs/d8_depth.yaml", "--target", "h100_sxm", "--target", "rtx_pro_6000").stdout
    assert "on rtx_4060 (GeForce RTX 4060 8 GB)" in planned and "on h100_sxm (H100 SXM 80 GB)" in planned
    assert "unverified: the target's peak is not known" in planned
    wrong = expc(workspace, "plan", "specs/d8_depth.yaml", "--target", "h100sxm")
    assert (wrong.returncode, "did you mean h100_sxm?" in wrong.stderr) == (64, True)


def test_a_renamed_experiment_is_compared_with_what_it_was(workspace: Path) -> None:
    expc(workspace, "build", "specs/d4_baseline.yaml")
    edit(workspace / "specs" / "d4_baseline.yaml", "name: d4_baseline", "name: d4_small")
    planned = expc(workspace, "plan", "specs/d4_baseline.yaml")
    assert planned.returncode == 2
    assert "specs/d4_baseline.yaml was built as d4_baseline" in planned.stdout
    assert 'name  "d4_baseline" -> "d4_small"' in " ".join(planned.stdout.split(" ")).replace("   ", " ")
    assert "checkpoints stay valid" in planned.stdout


def test_a_snapshot_that_was_edited_is_said(workspace: Path) -> None:
    expc(workspace, "build", "specs/d4_baseline.yaml")
    edit(workspace / "generated" / "d4_baseline" / "snapshot.json", '"seed": 42', '"seed": 43')
    planned = expc(workspace, "plan", "specs/d4_baseline.yaml")
    assert planned.returncode == 2
    assert "generated/d4_baseline/snapshot.json cannot be compared: its content does not match its hash" in planned.stdout


def test_what_a_build_would_delete_is_said(workspace: Path) -> None:
    expc(workspace, "build")
    (workspace / "specs" / "own_script.yaml").unlink()
    planned = expc(workspace, "plan")
    files = re.findall(r"^    (generated/\S+)$", planned.stdout.split("own_script\n  is no longer specified")[1], re.MULTILINE)
    assert planned.returncode == 2 and "generated/own_script/snapshot.json" in files
    orphaned = expc(workspace, "build", "--check").stderr
    assert sorted(files) == sorted(re.findall(r"^(generated/\S+): orphaned", orphaned, re.MULTILINE))
    last = json.loads(expc(workspace, "plan", "--json").stdout)[-1]
    assert last == {"run": "own_script", "compared": "gone", "deletes": files}
    shown = expc(workspace, "plan", "--format", "markdown").stdout
    assert "change, 1 no longer specified" in shown and "- `generated/own_script/snapshot.json`" in shown
    assert expc(workspace, "plan", "specs/d8_depth.yaml").returncode == 0  # a build of it deletes nothing
    expc(workspace, "build")
    assert not any((workspace / name).exists() for name in files) and expc(workspace, "plan").returncode == 0


@pytest.fixture
def repository(workspace: Path) -> Path:
    """The workspace as a folder of a bigger repository, with two experiments built and committed."""
    expc(workspace, "build", "specs/d8_depth.yaml")
    expc(workspace, "build", "specs/d8_depth.yaml", "--profile", "smoke")
    folder = workspace / "bigger" / "project"
    folder.mkdir(parents=True)
    for name in ("specs", "generated"):
        (workspace / name).rename(folder / name)
    commit(workspace / "bigger", "built")
    return folder


def test_plan_against_a_revision(repository: Path) -> None:
    for words in ((), ("--profile", "smoke")):
        same = expc(repository / "specs", "plan", "d8_depth.yaml", "--against", "HEAD", *words)
        assert (same.returncode, same.stderr) == (0, "")
    edit(repository / "specs" / "d8_depth.yaml", "steps: 5000", "steps: 10000")
    expc(repository, "build", "specs/d8_depth.yaml")
    assert expc(repository, "plan", "specs/d8_depth.yaml").returncode == 0
    before = expc(repository, "plan", "specs/d8_depth.yaml", "--against", "HEAD")
    assert before.returncode == 2 and "5,000 -> 10,000  (x 2)" in before.stdout
    commit(repository.parent, "longer")
    assert expc(repository, "plan", "specs/d8_depth.yaml", "--against", "HEAD").returncode == 0
    assert expc(repository, "plan", "specs/d8_depth.yaml", "--against", "HEAD~1").returncode == 2


def test_plan_against_a_revision_without_the_experiment(repository: Path) -> None:
    new = expc(repository, "plan", "specs/d6_wide.yaml", "--against", "HEAD")
    assert new.returncode == 2
    assert "there is no generated/d6_wide/snapshot.json at HEAD" in new.stdout and "everything is new" in new.stdout
    shutil.rmtree(repository / "generated")
    commit(repository.parent, "nothing built")
    none = expc(repository, "plan", "specs/d6_wide.yaml", "--against", "HEAD")
    assert none.returncode == 2 and "git holds no generated/ at HEAD" in none.stdout


@pytest.mark.parametrize("revision", ["nowhere", "-p", "HEAD:specs", "HEAD~9", "", "--all"])
def test_a_revision_that_is_not_there_is_said(repository: Path, revision: str) -> None:
    wrong = expc(repository, "plan", "specs/d8_depth.yaml", f"--against={revision}")
    assert (wrong.returncode, wrong.stdout) == (64, "")
    assert f"git has no revision {revision!r} here" in wrong.stderr


def test_a_shallow_clone_says_what_it_lacks(repository: Path, tmp_path: Path) -> None:
    commit(repository.parent, "again")
    clone = ["git", "clone", "-q", "--depth", "1", f"file://{repository.parent}", str(tmp_path / "clone")]
    subprocess.run(clone, check=True, capture_output=True)
    folder = tmp_path / "clone" / "project"
    assert expc(folder, "plan", "specs/d8_depth.yaml", "--against", "HEAD").returncode == 0
    lacking = expc(folder, "plan", "specs/d8_depth.yaml", "--against", "HEAD~1")
    assert lacking.returncode == 64 and "this clone is shallow" in lacking.stderr


def test_without_a_repository_or_without_git_it_says_so(workspace: Path) -> None:
    outside = expc(workspace, "plan", "specs/d8_depth.yaml", "--against", "HEAD", GIT_CEILING_DIRECTORIES="/")
    assert outside.returncode == 64 and "is in no repository that git will read" in outside.stderr
    (workspace / "bin").mkdir()
    without = expc(workspace, "plan", "specs/d8_depth.yaml", "--against", "HEAD", PATH=os.fspath(workspace / "bin"))
    assert without.returncode == 64 and "--against needs the program git" in without.stderr
    assert "Traceback" not in outside.stderr + without.stderr


def test_a_spec_with_errors_has_no_plan(workspace: Path) -> None:
    failed = expc(workspace, "plan", "specs/d8_depth.yaml", "--set", "model.heads=7")
    assert (failed.returncode, failed.stdout) == (1, "") and "E301" in failed.stderr
