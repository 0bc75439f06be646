"""The bash launcher, really run with a stand-in for Python: what it calls, in which order, and how it ends."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from expc.compiler.contract.promises import Evaluation
from expc.compiler.contract.training import Batch
from tests.fixtures.experiments import d8_depth, d8_depth_v2
from tests.launchers.launching import STAGES, Workspace

Make = Callable[..., Workspace]


def test_all_stages_in_order_from_another_folder(workspace: Make, tmp_path: Path) -> None:
    made = workspace()
    done = made.run(cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert made.calls == [f"-m expc.runtime run generated/d8_depth_v2/snapshot.json --stage {name}" for name in STAGES]
    assert done.stdout.splitlines() == [f"doing {name}" for name in STAGES] and done.stderr == ""


def test_without_comparison_there_is_no_such_stage(workspace: Make) -> None:
    made = workspace(evaluation=Evaluation(d8_depth().evaluation.suites, (), "results.json"))
    assert made.run().returncode == 0
    assert made.stages == [name for name in STAGES if name != "compare"]
    assert made.run("--only", "compare").returncode == 64


@pytest.mark.parametrize(("arguments", "stages"), [
    (["--from", "evaluate"], ["evaluate", "compare", "report"]),
    (["--only", "train"], ["train"]),
    (["--skip", "prepare", "--skip", "report"], ["preflight", "train", "evaluate", "compare"]),
    (["--from", "train", "--skip", "evaluate"], ["train", "compare", "report"]),
])
def test_choosing_stages(workspace: Make, arguments: list[str], stages: list[str]) -> None:
    made = workspace()
    assert made.run(*arguments).returncode == 0
    assert made.stages == stages


@pytest.mark.parametrize(("arguments", "words"), [
    (["--form", "train"], "unknown argument --form"),
    (["--from"], "--from needs a stage: preflight prepare"),
    (["--only", "preflight prepare"], "there is no stage preflight\\ prepare"),
    (["--from", "train", "--only", "prepare"], "leave no stage"),
    (["train"], "unknown argument train"),
])
def test_wrong_arguments(workspace: Make, arguments: list[str], words: str) -> None:
    made = workspace()
    done = made.run(*arguments)
    assert done.returncode == 64
    assert words in done.stderr.splitlines()[-1] and "Usage:" in done.stderr
    assert made.calls == []


def test_help(workspace: Make) -> None:
    made = workspace()
    done = made.run("--help", BROKEN="1")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("Experiment d8_depth_v2: Depth first v2")
    assert all(word in done.stdout for word in (*STAGES, "--from", "--only", "--skip", "--dry-run"))
    assert "set -euo" not in done.stdout


def test_a_failing_stage_ends_the_launcher_with_its_code(workspace: Make) -> None:
    made = workspace()
    done = made.run("--skip", "prepare", AT="evaluate", DO="4")
    assert done.returncode == 4
    assert made.stages == ["preflight", "train", "evaluate"]
    last = done.stderr.splitlines()[-1]
    assert last.startswith("[d8_depth_v2] evaluate ended with exit code 4; once that is mended: bash ")


def test_missing_things_keep_the_code_of_preflight(workspace: Make) -> None:
    made = workspace()
    assert made.run(AT="preflight", DO="69").returncode == 69
    assert made.stages == ["preflight"]


def test_an_edited_or_missing_snapshot_is_refused(workspace: Make) -> None:
    made = workspace()
    body = json.loads(made.snapshot.read_text(encoding="utf-8"))
    made.snapshot.write_text(json.dumps(body | {"snapshot_sha256": "0" * 64}, indent=2), encoding="utf-8")
    done = made.run()
    assert done.returncode == 64 and "run: expc build" in done.stderr
    made.snapshot.unlink()
    done = made.run()
    assert done.returncode == 69 and "is missing; run: expc build" in done.stderr
    assert made.calls == []


def test_a_python_without_expc_is_named(workspace: Make) -> None:
    made = workspace()
    done = made.run(BROKEN="1")
    assert done.returncode == 69
    assert "make setup" in done.stderr and "stand" in done.stderr
    assert made.run(EXPC_PYTHON="/nowhere/python").returncode == 69


def test_python_is_the_workspaces_own_unless_one_is_named(workspace: Make, tmp_path: Path) -> None:
    made = workspace()
    named = Path(made.environment.pop("EXPC_PYTHON"))
    assert made.run("--dry-run", PATH="/usr/bin:/bin", cwd=tmp_path).returncode == 69  # the machine's own has no expc
    venv = made.folder / ".venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").symlink_to(named)
    assert ".venv/bin/python -m expc.runtime" in made.run("--dry-run").stdout
    relative = made.run("--dry-run", EXPC_PYTHON=f"./{named.name}", cwd=named.parent)
    assert relative.returncode == 0 and "stand\\ in -m expc.runtime" in relative.stdout


def test_python_of_the_path(workspace: Make, tmp_path: Path) -> None:
    made = workspace()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(made.environment.pop("EXPC_PYTHON"))
    assert made.run(PATH=f"{tmp_path / 'bin'}:{made.environment['PATH']}").returncode == 0
    assert made.stages == STAGES


def test_through_a_link_and_executed_directly(workspace: Make, tmp_path: Path) -> None:
    made = workspace()
    link = tmp_path / "go.sh"
    link.symlink_to(made.launcher())
    made.environment["CDPATH"] = str(tmp_path)
    assert made.launcher().stat().st_mode & 0o111
    done = subprocess.run([link], cwd="/", env=made.environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert made.stages == STAGES


def test_settings_of_a_gpu(workspace: Make) -> None:
    made = workspace()
    assert "export PYTHONSAFEPATH=1 PYTORCH_ALLOC_CONF=expandable_segments:True" in made.run("--dry-run").stdout
    assert "PYTORCH_ALLOC_CONF=mine" in made.run("--dry-run", PYTORCH_ALLOC_CONF="mine").stdout


def test_a_guard_that_stops_the_run_is_said(workspace: Make) -> None:
    done = workspace().run(AT="train", DO="3")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == ("[d8_depth_v2] train was stopped by a guard: see what it says above, and "
                                            "runs/d8_depth_v2/events.jsonl")


@pytest.mark.parametrize(("recorded", "code"), [
    ("misused", 64), ("missing", 69), ("failed", 1), ("stopped", 3), ("interrupted", 1)])
def test_several_ranks_end_as_the_record_says(workspace: Make, recorded: str, code: int) -> None:
    made = several_ranks(workspace)
    assert made.run(AT="train", DO="1", RECORD=recorded).returncode == code
    assert made.calls[-1] == ("-m torch.distributed.run --standalone --nproc_per_node=2 "
                              "-m expc.runtime run generated/d8_depth_v2/snapshot.json --stage train")


def test_several_ranks_do_not_take_an_old_record_for_theirs(workspace: Make) -> None:
    made = several_ranks(workspace)
    folder = Path(made.environment["RECORD_FOLDER"])
    folder.mkdir(parents=True)
    (folder / "record.json").write_text('{"stages": {"train": {"outcome": "misused"}}}', encoding="utf-8")
    assert made.run(AT="train", DO="1").returncode == 1
    assert made.run(AT="evaluate", DO="5").returncode == 5


def several_ranks(workspace: Make) -> Workspace:
    return workspace(training=dataclasses.replace(d8_depth_v2().training, batch=Batch(4, 1024, 1, 2)))
