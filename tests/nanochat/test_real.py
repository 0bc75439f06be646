"""The same against a real checkout of nanochat, where one is: EXPC_NANOCHAT names its folder, EXPC_NANOCHAT_PYTHON its Python.

    git clone https://github.com/karpathy/nanochat && cd nanochat && git checkout 92d63d4
    python -m venv .venv && .venv/bin/pip install torch rustbpe tiktoken wandb pyarrow requests filelock psutil
    EXPC_NANOCHAT=$PWD pytest tests/nanochat/test_real.py
"""

from __future__ import annotations

import math
import os
import re
import subprocess
from pathlib import Path

import pytest
import torch

from expc.compiler.contract.nanochat import revision
from expc.runtime.errors import FAILED
from expc.runtime.families.nanochat import checkpoint_bytes, parts
from expc.runtime.families.nanochat.checkout import unlike
from tests.nanochat.test_run import finished, report, tag
from tests.nanochat.workspaces import SPEC, build, merged, second
from tests.runtime.supervise.programs import Made

NANOCHAT = os.environ.get("EXPC_NANOCHAT", "")
pytestmark = [pytest.mark.skipif(not NANOCHAT, reason="EXPC_NANOCHAT names no checkout"), pytest.mark.timeout(1200)]
PYTHON = os.environ.get("EXPC_NANOCHAT_PYTHON", f"{NANOCHAT}/.venv/bin/python")


def at() -> tuple[str, str]:
    """Commit and day of the checkout."""
    words = ["git", "-C", NANOCHAT, "show", "-s", "--format=%H %cs", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    commit, date = done.stdout.split()
    return commit, date


def made(workspace: Path, **overlay: object) -> Made:
    commit, date = at()
    command = {"checkout": NANOCHAT, "python": PYTHON, "commit": commit, "date": date}
    spec = merged(SPEC, {"command": command, "compile": False, "data": {"pieces": 60}, "model": {"vocabulary": 300}})
    return build(workspace, merged(spec, dict(overlay)))


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return finished(made(tmp_path_factory.mktemp("workspace")), "preflight", "prepare", "train", "report")


def test_its_flags_are_the_tables() -> None:
    assert list(unlike(Path(NANOCHAT) / "scripts" / "base_train.py", revision(at()[1]))) == []


def test_parameters_rates_and_decay_are_those_that_it_uses(parent: Made) -> None:
    log = (parent.folder / "output.log").read_text()
    counted = {name: int(value.replace(",", "")) for name, value in re.findall(r"^(\w+) +: ([\d,]+)$", log, re.MULTILINE)}
    ours = parent.experiment.predictions.parameters
    assert counted["total"] == sum(ours.values())
    assert counted["transformer_matrices"] == ours["attention"] + ours["mlp"] + ours["gates"]
    state = torch.load(tag(parent) / "optim_000020_rank0.pt", weights_only=True)
    groups = parent.experiment.training.groups
    asked = {"adamw": [group.rate for group in groups[:-1]], "muon": [groups[-1].rate]}
    for kind, rates in asked.items():
        stored = [group["initial_lr"] for group in state["param_groups"] if group["kind"] == kind]
        assert (stored if kind == "adamw" else sorted(set(stored))) == pytest.approx(rates, rel=1e-12)
    decay = state["param_groups"][-1]["weight_decay"]
    assert decay == pytest.approx(groups[-1].weight_decay * 0.5 * (1 + math.cos(math.pi * 19 / 20)), rel=1e-9)
    assert [group["weight_decay"] for group in state["param_groups"][:-1] if group["kind"] == "adamw"] == [
        group.weight_decay for group in groups[:-1]]
    rate = parent.experiment.training.curves["rate"].at(19)
    assert state["param_groups"][0]["lr"] == pytest.approx(groups[0].rate * rate, rel=1e-12)


def test_a_checkpoint_is_as_large_as_computed(parent: Made) -> None:
    there = sum(path.stat().st_size for path in parts(parent.experiment, tag(parent) / "model_000020.pt"))
    assert checkpoint_bytes(parent.experiment) == pytest.approx(there, rel=0.1)


def test_the_rates_that_are_asked_for_are_in_force_after_resuming(parent: Made) -> None:
    child = finished(second(parent), "preflight", "prepare", "train", "report")
    assert report(child).count("**in force**") == len(child.experiment.training.groups)
    assert "They agree: the same weights went on over the same held-out data." in report(child)


def test_a_tokenizer_that_saturates_is_told(tmp_path: Path) -> None:
    code, log = made(tmp_path, model={"vocabulary": 60000}, data={"pieces": 12}).run("prepare")
    assert code == FAILED and "though 60,000 were asked for: the text holds no more; state model.vocabulary: " in log
