"""`expc check` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compiler.commands.shell import expc


def test_the_shipped_specs_are_sound(workspace: Path) -> None:
    checked = expc(workspace, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "are sound" in checked.stdout


def test_no_spec_is_passed_over(workspace: Path) -> None:
    for name in ("a/b/deep.yaml", "LOUD.YAML", "short.yml"):
        (workspace / "specs" / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / "specs" / name).write_text("stps: 1\n")
    (workspace / "specs" / ".#lock.yaml").symlink_to("nobody@nowhere")
    found = expc(workspace, "check").stderr
    assert {line.split(":")[0] for line in found.splitlines() if "stps" in line and "error" in line} == {
        "specs/a/b/deep.yaml", "specs/LOUD.YAML", "specs/short.yml"}
    assert "lock" not in found


def test_all_mistakes_are_said_at_once_with_their_places(workspace: Path) -> None:
    spec = workspace / "specs" / "d8_depth.yaml"
    spec.write_text(spec.read_text().replace("heads: 4", "haeds: 4").replace("steps: 5000", "steps: many", 1))
    checked = expc(workspace, "check", "specs/d8_depth.yaml")
    assert checked.returncode == 1
    assert 'did you mean "heads"?' in checked.stderr
    assert "specs/d8_depth.yaml:9:29" in checked.stderr and "specs/d8_depth.yaml:10:8" in checked.stderr
    assert "Traceback" not in checked.stderr
    machine = json.loads(expc(workspace, "check", "specs/d8_depth.yaml", "--json").stdout)
    assert machine


@pytest.mark.parametrize(("inside", "git", "prefix"), [
    ("exp", "folder", "exp/"), ("exp", "file", "exp/"), (".", "folder", ""), ("exp", None, "exp/")])
def test_code_hosts_read_paths_of_the_repository(workspace: Path, inside: str, git: str | None, prefix: str) -> None:
    repository = workspace / "repository"
    (repository / inside).mkdir(parents=True)
    (workspace / "specs").rename(repository / inside / "specs")
    if git is not None:  # in a worktree it is a file
        (repository / ".git").mkdir() if git == "folder" else (repository / ".git").write_text("gitdir: elsewhere\n")
    (repository / inside / "specs" / "wrong.yaml").write_text("extends: d8_depth.yaml\nnaem: x\n")
    start = repository if git is None else repository / inside / "specs"
    words = [str(repository / inside / "specs" / name) for name in ("wrong.yaml", "gone.yaml")]
    log = expc(start, "check", *words, "--format", "github").stdout
    assert f"::error file={prefix}specs/wrong.yaml,line=2,col=1," in log and f"::error file={prefix}specs/gone.yaml," in log
    run = json.loads(expc(start, "check", *words, "--format", "sarif").stdout)["runs"][0]
    asked = {"id", "shortDescription", "fullDescription", "help"}  # by GitHub's code scanning (GH2012 of the SARIF multitool)
    assert run["tool"]["driver"]["version"] and all(asked == {*one} for one in run["tool"]["driver"]["rules"])
    results = run["results"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results]
    assert set(places) == {f"{prefix}specs/wrong.yaml", f"{prefix}specs/gone.yaml"}
