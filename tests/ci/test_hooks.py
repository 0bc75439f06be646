"""The hooks for pre-commit, run by pre-commit itself on a repository of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.compiler.commands.shell import ROOT, commit, edit, expc

HOOKS = ".pre-commit-hooks.yaml"


def pre_commit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """pre-commit, with this environment's programs first on the path and a store beside the repository."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run([sys.executable, "-m", "pre_commit", *words], cwd=folder, capture_output=True, text=True, timeout=300,
                          env=kept | {"PATH": path, "PRE_COMMIT_HOME": str(folder.parent / "store"), "NO_COLOR": "1"})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The shipped specs, built, in a repository that takes its hooks from another one, which holds them at a revision."""
    hooks, repository = tmp_path / "hooks", tmp_path / "repository"
    hooks.mkdir()
    repository.mkdir()
    shutil.copy(ROOT / HOOKS, hooks)
    commit(hooks)
    revision = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=hooks, text=True).strip()
    shutil.copytree(ROOT / "specs", repository / "specs")
    assert expc(repository, "build").returncode == 0
    (repository / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks: [{{id: expc-check}}, {{id: expc-build-check}}]\n")
    commit(repository)
    return repository


def test_the_definition_is_valid() -> None:
    valid = pre_commit(ROOT, "validate-manifest", HOOKS)
    assert (valid.returncode, valid.stdout, valid.stderr) == (0, "", "")


def test_readme_and_commands_show_the_same_hooks() -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / HOOKS).read_text(encoding="utf-8"))}
    shown = {path: [hook for block in re.findall(r"```yaml\n(repos:.*?)```", (ROOT / path).read_text(encoding="utf-8"), re.S)
                    for hook in yaml.safe_load(block)["repos"][0]["hooks"]] for path in ("README.md", "docs/commands.md")}
    assert {hook["id"]: hook for hook in shown["README.md"]} == {
        name: {key: value for key, value in hook.items() if key != "description"} for name, hook in hooks.items()}
    assert {hook["id"]: hook["entry"] for hook in shown["docs/commands.md"]} == {
        name: f".venv/bin/{hook['entry']}" for name, hook in hooks.items()}


def test_the_hooks_pass_where_all_is_well_and_say_what_is_not(repository: Path) -> None:
    well = pre_commit(repository, "run", "--all-files")
    assert well.returncode == 0, well.stdout + well.stderr
    assert well.stdout.count("Passed") == 2
    edit(repository / "specs" / "d8_depth.yaml", "heads: 4", "heads: 7")
    wrong = pre_commit(repository, "run", "--all-files")
    assert wrong.returncode == 1 and wrong.stdout.count("Failed") == 2
    assert "error E301" in wrong.stdout
    edit(repository / "specs" / "d8_depth.yaml", "heads: 7", "heads: 8")
    stale = pre_commit(repository, "run", "--all-files")
    assert stale.returncode == 1 and stale.stdout.count("Failed") == 1
    assert "generated/d8_depth/snapshot.json: out of date" in stale.stdout
    assert "next: expc build specs/d8_depth.yaml" in stale.stdout


def test_the_hooks_run_only_where_something_of_theirs_changed(repository: Path) -> None:
    (repository / "notes.md").write_text("nothing of theirs")
    subprocess.run(["git", "add", "notes.md"], cwd=repository, check=True)
    other = pre_commit(repository, "run")
    assert other.returncode == 0 and other.stdout.count("Skipped") == 2
