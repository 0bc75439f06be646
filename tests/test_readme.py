"""Every command that the README shows is run: here in a copy of the workspace, or, where it builds that, by `.ci/run`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", README, re.S) for line in block.splitlines() if line]
BY_CI = ["make demo", "make test"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped specs in a folder of their own."""
    folder = tmp_path_factory.mktemp("newcomer")
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
    assert (workspace / "runs" / "d4_baseline.smoke" / "EXPERIMENT_D4_BASELINE_RESULTS.md").is_file()


def test_the_mistake_shown_is_answered_as_shown(workspace: Path) -> None:
    spec = workspace / "specs" / "mistake.yaml"
    spec.write_text((workspace / "specs" / "d8_v2.yaml").read_text().replace("  matrix_lr: 0.016", "  matrx_lr: 0.016"))
    said = run(workspace, "expc check specs/mistake.yaml").stderr
    spec.unlink()
    shown = re.search(r"```\n(specs/d8_v2\.yaml.*?)```", README, re.S)
    assert shown is not None
    for line in shown[1].splitlines()[1:]:
        assert re.sub(r"\d+ ", "", line.strip()) in re.sub(r"\d+ ", "", said)
    assert 'error E102: unknown key "matrx_lr" in optimizer' in said


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"`(docs/[a-z_]+\.md)`|\]\(([a-z_/]+)\)", README):
        assert (ROOT / next(filter(None, target))).exists()
