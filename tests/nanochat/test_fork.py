"""The copy of a parent's checkpoint: what is rewritten, what is not, and all the ways in which nothing is made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from expc.compiler.contract.training import Training
from expc.runtime.errors import UserError
from expc.runtime.families.nanochat import fork
from tests.nanochat.workspaces import first

STEP = 20
ADAMW = 6


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    return first(tmp_path_factory.mktemp("workspace")).experiment.training


def write(folder: Path, groups: int = ADAMW + 2, ranks: int = 1, **meta: Any) -> Path:
    folder.mkdir()
    config = {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_kv_head": 2, "sequence_len": 256, "vocab_size": 300,
              "window_pattern": "L"}
    said = {"step": STEP, "val_bpb": 1.5, "model_config": config,
            "user_config": {"eval_every": 10, "num_iterations": 40, "eval_tokens": 2048, "device_batch_size": 2}}
    (folder / f"meta_{STEP:06d}.json").write_text(json.dumps(said | meta))
    torch.save({"w": torch.ones(2)}, folder / f"model_{STEP:06d}.pt")
    made = [{"kind": "adamw" if index < ADAMW else "muon", "params": [index], "lr": 9.0, "initial_lr": 9.0, "eps": 1e-10}
            for index in range(groups)]
    for rank in range(ranks):
        torch.save({"state": {0: {"exp_avg": torch.full((2,), float(rank))}}, "param_groups": made},
                   folder / f"optim_{STEP:06d}_rank{rank}.pt")
    return folder


def test_only_the_rates_are_rewritten(tmp_path: Path, training: Training) -> None:
    source, target = write(tmp_path / "theirs"), tmp_path / "ours" / "tag"
    said = fork.fork(source, STEP, target, training)
    before, after = (torch.load(one / f"optim_{STEP:06d}_rank0.pt", weights_only=True) for one in (source, target))
    asked = [group.rate for group in training.groups]
    assert [group.pop("initial_lr") for group in after["param_groups"]] == [*asked, asked[-1]]
    assert {group.pop("initial_lr") for group in before["param_groups"]} == {9.0}
    assert before["param_groups"] == after["param_groups"]
    assert torch.equal(before["state"][0]["exp_avg"], after["state"][0]["exp_avg"])
    for name in (f"meta_{STEP:06d}.json", f"model_{STEP:06d}.pt"):
        assert (source / name).read_bytes() == (target / name).read_bytes()
    assert said["rates"]["matrix"] == {"stored": 9.0, "asked": asked[-1]} and set(said["rates"]) == {
        group.name for group in training.groups}
    assert said["valid_bpb"] == {"value": 1.5, "tokens": 2048, "rows": 2}


def test_every_rank_is_rewritten(tmp_path: Path, training: Training) -> None:
    assert training.batch
    two = replace(training, batch=replace(training.batch, ranks=2))
    fork.fork(write(tmp_path / "theirs", ranks=2), STEP, tmp_path / "tag", two)
    for rank in (0, 1):
        state = torch.load(tmp_path / "tag" / f"optim_{STEP:06d}_rank{rank}.pt", weights_only=True)
        assert state["param_groups"][0]["initial_lr"] == training.groups[0].rate
        assert state["state"][0]["exp_avg"][0] == rank


@pytest.mark.parametrize(("change", "said"), [
    (lambda folder: (folder / f"optim_{STEP:06d}_rank0.pt").write_bytes(b"PK\x03\x04cut"), "cannot be read as the state"),
    (lambda folder: torch.save({"param_groups": [{"lr": 1}]}, folder / f"optim_{STEP:06d}_rank0.pt"), "cannot be read"),
    (lambda folder: torch.save({"param_groups": []}, folder / f"optim_{STEP:06d}_rank0.pt"), "cannot be read"),
    (lambda folder: (folder / f"optim_{STEP:06d}_rank1.pt").write_bytes(b""), "is of 2 ranks, this run has 1"),
    (lambda folder: (folder / f"model_{STEP:06d}.pt").unlink(), "missing; nanochat cannot go on"),
])
def test_nothing_is_made_of_what_cannot_be_used(tmp_path: Path, training: Training, change: Any, said: str) -> None:
    source = write(tmp_path / "theirs")
    change(source)
    with pytest.raises(UserError, match=said):
        fork.fork(source, STEP, tmp_path / "ours" / "tag", training)
    assert list(tmp_path.glob("ours/**/*")) == []


@pytest.mark.parametrize("groups", [ADAMW, ADAMW - 1])
def test_groups_of_another_revision_are_refused(tmp_path: Path, training: Training, groups: int) -> None:
    with pytest.raises(UserError, match="other parameter groups than revisions from 2026-03-14"):
        fork.fork(write(tmp_path / "theirs", groups=groups), STEP, tmp_path / "tag", training)


@pytest.mark.parametrize(("meta", "comparable"), [
    ({"step": 20}, True),
    ({"step": 23}, False),  # saved between two validations
    ({"step": 40}, True),  # the last step is always validated
    ({"val_bpb": None}, False),
    ({"user_config": {"eval_every": -1, "num_iterations": 40}}, False),
    ({"user_config": {}}, False),
])
def test_a_validation_counts_only_if_it_is_of_the_checkpoints_step(meta: dict[str, Any], comparable: bool) -> None:
    whole = {"step": 20, "val_bpb": 1.5, "user_config": {"eval_every": 10, "num_iterations": 40}} | meta
    assert (fork.validated(whole) is not None) == comparable


def test_what_deviates_is_told(tmp_path: Path, training: Training) -> None:
    source = write(tmp_path / "theirs")
    found = fork.rates(source, training)
    assert found["matrix"] == {"asked": training.groups[-1].rate, "stored": 9.0, "last": 9.0}
    assert fork.rates(tmp_path, training) == {}
