"""The whole text of launchers against goldens, shellcheck's opinion of it, and names that try to get out of it."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from expc.compiler import launchers
from expc.compiler.contract.experiment import Experiment, Launch
from expc.compiler.contract.training import Batch
from tests.conftest import Golden
from tests.fixtures.experiments import d8_depth, d8_depth_v2
from tests.launchers.launching import Workspace

HASH = "0123456789abcdef" * 4
EVIL = "x'; touch owned; \"$(touch owned)\" `touch owned`\ntouch owned\n\u202e"


def two_ranks() -> Experiment:
    training = dataclasses.replace(d8_depth().training, batch=Batch(4, 1024, 1, 2))
    launch = Launch("train_d8_depth", ("bash", "tmux"))
    return d8_depth(run="d8_depth.wide", profile="wide", training=training, launch=launch)


def on_cpu() -> Experiment:
    hardware = dataclasses.replace(d8_depth().hardware, target="cpu")
    return d8_depth(run="d8_depth.smoke", profile="smoke", hardware=hardware)


def hostile() -> Experiment:
    name = EVIL.replace("/", "")
    return d8_depth_v2(name=name, run=name, profile=name, title={"any": EVIL}, launch=Launch("train", ("bash", "tmux")))


EXPERIMENTS: dict[str, Callable[[], Experiment]] = {
    "compared": d8_depth_v2, "two_ranks": two_ranks, "on_cpu": on_cpu, "hostile": hostile,
}


@pytest.mark.parametrize("name", ["compared", "two_ranks", "on_cpu"])
def test_whole_files(name: str, golden: Golden) -> None:
    for file, text in launchers.render(EXPERIMENTS[name](), HASH).items():
        golden(text, f"golden/{file}")


def test_file_names() -> None:
    name = "resume_d8_depth_5k_to_20k"
    assert list(launchers.render(d8_depth_v2(), HASH)) == [f"{name}.sh", f"{name}.tmux.sh"]
    assert list(launchers.render(two_ranks(), HASH)) == ["train_d8_depth.wide.sh", "train_d8_depth.wide.tmux.sh"]
    assert list(launchers.render(on_cpu(), HASH)) == ["train_d8_depth.smoke.sh"]


def test_tmux_alone_brings_the_bash_launcher_that_it_runs() -> None:
    experiment = d8_depth(launch=Launch("train_d8_depth", ("tmux",)))
    assert list(launchers.render(experiment, HASH)) == ["train_d8_depth.sh", "train_d8_depth.tmux.sh"]


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(name: str, tmp_path: Path) -> None:
    for file, text in launchers.render(EXPERIMENTS[name](), HASH).items():
        path = tmp_path / Path(file).name.replace("\n", "")
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(["shellcheck", path], text=True, capture_output=True)
        assert done.stdout == "" and done.returncode == 0


def test_hostile_names_are_never_executed(workspace: Callable[..., Workspace]) -> None:
    made = workspace(**{field.name: getattr(hostile(), field.name) for field in dataclasses.fields(Experiment)}
                     | {"profile": None})
    for kind in ("", ".tmux"):
        assert made.run("--help", kind=kind, cwd=made.folder).returncode == 0
        assert made.run("--dry-run", kind=kind, cwd=made.folder).returncode == 0
    done = made.run(cwd=made.folder)
    assert done.returncode == 0, done.stderr
    assert made.stages == ["preflight", "prepare", "train", "evaluate", "compare", "report"]
    calls = Path(made.environment["CALLS"]).read_text(encoding="utf-8")
    assert f"generated/{made.experiment.run}/snapshot.json" in calls
    assert not list(made.folder.rglob("owned"))


def test_the_dry_run_can_be_pasted(workspace: Callable[..., Any]) -> None:
    made = workspace()
    commands = made.run("--dry-run", PYTORCH_ALLOC_CONF="a b").stdout
    assert made.calls == []
    subprocess.run(["bash", "-eu"], input=commands, text=True, check=True, env=made.environment, cwd="/")
    assert made.stages == ["preflight", "prepare", "train", "evaluate", "compare", "report"]
