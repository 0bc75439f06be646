"""Every command that the README shows is run: here in a copy of the workspace, or, where it builds that, by `.ci/run`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", README, re.S) for line in block.splitlines() if line]
BY_CI = ["make demo", "make test"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped specs in a folder of their own."""
    folder = tmp_path_factory.mktemp("newcomer") / "expc"
    shutil.copytree(ROOT / "specs", folder / "specs")
    return folder


def run(workspace: Path, command: str) -> subprocess.CompletedProcess[str]:
    """The command in bash, with this environment's programs first on the path."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(["bash", "-c", command], cwd=workspace, capture_output=True, text=True, timeout=300,
                          env=os.environ | {"PATH": path, "EXPC_PYTHON": sys.executable})


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 10


def test_ci_runs_what_makes_the_workspace() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in BY_CI:
        assert command in COMMANDS and command in script


def test_the_commands_work_in_the_order_shown(workspace: Path) -> None:
    for command in COMMANDS:
        if command in BY_CI:
            continue
        done = run(workspace, command)
        # `plan` says by its exit code that nothing has been built yet; the launcher's dry run only prints.
        expected = 2 if command.startswith("expc plan") else 0
        assert done.returncode == expected, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (workspace.parent / "experiments" / "runs" / "first.smoke" / "EXPERIMENT_FIRST_RESULTS.md").is_file()


def test_the_mistake_shown_is_answered_as_shown(workspace: Path) -> None:
    spec = workspace / "specs" / "mistake.yaml"
    spec.write_text((workspace / "specs" / "d8_v2.yaml").read_text().replace("  matrix_lr: 0.016", "  matrx_lr: 0.016"))
    said = run(workspace, "expc check specs/mistake.yaml").stderr
    spec.unlink()
    shown = re.search(r"```\n(specs/d8_v2\.yaml.*?)```", README, re.S)
    assert shown is not None
    assert said.replace("specs/mistake.yaml", "specs/d8_v2.yaml").startswith(shown[1])


def test_the_files_named_are_those_of_the_build() -> None:
    built = {f"generated/{name}" for one in json.loads((ROOT / "generated" / "manifest.json").read_text())["runs"].values()
             for name in one["outputs"]}
    named = set(re.findall(r"`(generated/[^`*]+\.\w+)`", README))
    assert len(named) >= 4
    assert named - built == set()


def test_the_hooks_shown_pass_right_after_a_build(workspace: Path) -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.S)]
    hooks = next(block for block in blocks if block and "repos" in block)["repos"][0]["hooks"]
    assert run(workspace, "expc build").returncode == 0
    for hook in hooks:
        assert run(workspace, hook["entry"]).returncode == 0
        assert re.search(hook["files"], "specs/first.yaml")


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= {target.partition("#")[0] for target in targets}
    for file, _, anchor in (target.partition("#") for target in targets):
        assert (ROOT / file).exists()
        headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(encoding="utf-8"), re.M) if anchor else []
        assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings]
