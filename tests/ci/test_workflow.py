"""The example of a GitHub workflow: read as GitHub reads it, each of its commands run in a clone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.compiler.commands.shell import CALL, ROOT, commit, edit, expc
from tests.compiler.specs import plain

WORKFLOW: dict[str, Any] = plain((ROOT / "examples" / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["specs"]["steps"]
CONTEXT = {"github.token": "a token", "github.event.pull_request.number": "7"}
COPIED = ("specs", "generated", "scripts", "Makefile", "pyproject.toml", "constraints.txt")


@dataclass
class Runner:
    """A clone with the files and variables that GitHub's runner gives to commands, and a stand-in for its program `gh`."""

    folder: Path
    files: Path

    def run(self, step: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """One `run` step as the runner's default shell runs it."""
        added = (self.files / "path").read_text().split()
        named = {name: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: CONTEXT[match[1]], str(value))
                 for name, value in step.get("env", {}).items()}
        environment = os.environ | {
            "PATH": os.pathsep.join([*reversed(added), str(self.files / "bin"), os.environ["PATH"]]),
            "GITHUB_PATH": str(self.files / "path"), "GITHUB_STEP_SUMMARY": str(self.files / "summary"),
            "GITHUB_BASE_REF": "main", "CALLS": str(self.files / "calls"), **named}
        return subprocess.run(["bash", "-e", "-c", step["run"]], cwd=self.folder, capture_output=True, text=True,
                              env=environment, timeout=300)

    def steps(self) -> dict[str, subprocess.CompletedProcess[str]]:
        """The `run` steps in order; after one that failed, only those that ask for it."""
        done: dict[str, subprocess.CompletedProcess[str]] = {}
        for step in STEPS:
            is_wanted = step.get("if") == "${{ !cancelled() }}" or not any(one.returncode for one in done.values())
            if "run" in step and is_wanted:
                done[step["name"]] = self.run(step)
        return done


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A clone of a repository with the shipped specs, on a branch of its own, whose environment is ready."""
    origin, clone, files = tmp_path / "origin", tmp_path / "clone", tmp_path / "files"
    origin.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, origin / name)
    assert expc(origin, "build").returncode == 0
    commit(origin)
    subprocess.run(["git", "branch", "-M", "main"], cwd=origin, check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(clone)], check=True)
    (files / "bin").mkdir(parents=True)
    (files / "path").touch()
    program(files / "bin" / "gh", 'printf "%s\\n" "$*" >>"$CALLS"; [[ $GH_TOKEN == "a token" ]]')
    make_environment(clone)
    return Runner(clone, files)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def make_environment(folder: Path) -> None:
    """What `make setup` leaves: programs that are this environment's, and the stamp by which it knows that it is done."""
    program(folder / ".venv" / "bin" / "python", f'exec "{sys.executable}" "$@"')
    program(folder / ".venv" / "bin" / "expc", f'exec "{sys.executable}" -c "{CALL}" "$@"')
    state = 'printf "%s\\n" "$PWD"; cksum pyproject.toml constraints.txt scripts/setup.sh'
    with (folder / ".venv" / "expc-setup").open("w") as stamp:
        subprocess.run(["bash", "-c", state], cwd=folder, stdout=stamp, check=True)


def test_the_workflow_is_one() -> None:
    assert WORKFLOW["on"] == "pull_request"
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    assert all(re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step["uses"]) for step in STEPS if "uses" in step)
    # An expression inside of a command would be pasted into it before the shell reads it.
    assert [step["name"] for step in STEPS if "${{" in step.get("run", "")] == []


def test_a_sound_change_passes_and_is_commented_on(runner: Runner) -> None:
    edit(runner.folder / "specs" / "d4_baseline.yaml", "depth: 4", "depth: 2")
    for words in ((), ("--profile", "smoke")):
        assert expc(runner.folder, "build", *words).returncode == 0
    steps = runner.steps()
    assert {name: done.returncode for name, done in steps.items()} == dict.fromkeys(steps, 0), steps
    assert json.loads((runner.folder / "expc.sarif").read_text())["version"] == "2.1.0"
    comment = (runner.folder / "comment.md").read_text(encoding="utf-8")
    assert "| `model.depth` | `4` | `2` | × 0.5 | what is trained |" in comment
    assert comment == (runner.files / "summary").read_text(encoding="utf-8")
    assert (runner.files / "calls").read_text() == "pr comment 7 --body-file comment.md --edit-last --create-if-none\n"


def test_a_workspace_without_a_makefile_takes_expc_from_its_source(runner: Runner) -> None:
    (runner.folder / "Makefile").unlink()
    program(runner.files / "bin" / "pip", 'printf "%s\\n" "$*" >>"$CALLS"')
    [install] = [step for step in STEPS if step.get("name") == "Install expc"]
    assert runner.run(install).returncode == 0
    assert (runner.files / "calls").read_text() == "install --extra-index-url https://download.pytorch.org/whl/cpu ./expc\n"
    assert (runner.files / "path").read_text() == ""


def test_a_mistake_is_annotated_at_its_line_and_fails_the_job(runner: Runner) -> None:
    edit(runner.folder / "specs" / "d8_depth.yaml", "heads: 4", "haeds: 4")
    steps = runner.steps()
    assert "::error file=specs/d8_depth.yaml,line=" in steps["Check the specs"].stdout
    assert {name: done.returncode for name, done in steps.items()} == {
        "Install expc": 0, "Check the specs": 1, "Check the specs for code scanning": 0}
    results = json.loads((runner.folder / "expc.sarif").read_text())["runs"][0]["results"]
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "specs/d8_depth.yaml"


def test_what_was_not_built_fails_the_job(runner: Runner) -> None:
    edit(runner.folder / "specs" / "d8_depth.yaml", "Depth-first model", "Deep model")
    steps = runner.steps()
    assert [name for name, done in steps.items() if done.returncode] == ["Check what is built"]
    assert "next: expc build specs/d8_depth.yaml" in steps["Check what is built"].stderr
