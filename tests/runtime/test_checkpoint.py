"""Checkpoints: what is saved comes back, what is damaged or foreign is named and passed over, retention is careful."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from expc.runtime import checkpoint, randomness
from expc.runtime.checkpoint import Found, Position, Skipped
from expc.runtime.errors import UserError

OURS = {"run": "toy", "training_sha256": "a" * 64, "snapshot_sha256": "b" * 64}


class OneModel:
    """A task with one small model and an optimizer that has moments."""

    def __init__(self, seed: int = 0, group: str = "all", rate: float = 0.1, decay: float = 0.2) -> None:
        torch.manual_seed(seed)
        self.models: dict[str, nn.Module] = {"model": nn.Linear(3, 2)}
        parameters = list(self.models["model"].parameters())
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW([{"name": group, "params": parameters, "lr": rate, "weight_decay": decay}])}
        self.models["model"](torch.randn(1, 3)).sum().backward()
        self.optimizers["adamw"].step()

    def step(self, update: int, samples: int) -> dict[str, torch.Tensor]:
        return {"loss": torch.zeros(())}

    def validate(self, batches: int) -> dict[str, float]:
        return {"valid_loss": 0.0}


def save(folder: Path, step: int, identity: dict[str, str] | None = None, task: OneModel | None = None) -> Path:
    position = Position(**placed(step))
    return checkpoint.save(folder, task or OneModel(step), position, identity or OURS, [randomness.state()])


def found(folder: Path) -> tuple[int | None, dict[str, str]]:
    """Step of the newest, and what was said about those passed over."""
    best, skipped = checkpoint.newest(folder, OURS["training_sha256"])
    return best and best.position.step, {one.folder.name: one.why for one in skipped}


def test_everything_comes_back(tmp_path: Path) -> None:
    task, other = OneModel(1), OneModel(2)
    random.seed(5), np.random.seed(6), torch.manual_seed(7)
    save(tmp_path, 10, task=task)
    drawn = (random.random(), np.random.rand(), torch.rand(2).tolist())
    best, skipped = checkpoint.newest(tmp_path, OURS["training_sha256"])
    assert best is not None and best.position == Position(10, 40, 80, 5.0) and skipped == []
    checkpoint.load(best, other)
    assert (random.random(), np.random.rand(), torch.rand(2).tolist()) == drawn
    for mine, theirs in zip(task.models["model"].parameters(), other.models["model"].parameters(), strict=True):
        assert torch.equal(mine, theirs)
    moments = [one.optimizers["adamw"].state_dict()["state"] for one in (task, other)]
    assert all(torch.equal(moments[0][i]["exp_avg"], moments[1][i]["exp_avg"]) for i in (0, 1))


def test_an_inherited_optimizer_brings_its_moments_and_none_of_its_settings(tmp_path: Path) -> None:
    save(tmp_path, 10, task=OneModel(1, rate=0.1, decay=0.2))
    best, _ = checkpoint.newest(tmp_path, OURS["training_sha256"])
    child = OneModel(2, rate=0.05, decay=0.01)
    before = child.optimizers["adamw"].state_dict()["state"][0]["exp_avg"].clone()
    assert best is not None
    checkpoint.load(best, child, inherited=True)
    group = child.optimizers["adamw"].param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.05, 0.01)
    assert not torch.equal(before, child.optimizers["adamw"].state_dict()["state"][0]["exp_avg"])


def test_other_groups_and_other_shapes_do_not_fit(tmp_path: Path) -> None:
    save(tmp_path, 10)
    best, _ = checkpoint.newest(tmp_path, OURS["training_sha256"])
    assert best is not None
    with pytest.raises(UserError, match=r"groups \['all'\], this one \['embedding'\]"):
        checkpoint.load(best, OneModel(group="embedding"))
    wider = OneModel()
    wider.models["model"] = nn.Linear(4, 2)
    with pytest.raises(UserError, match="does not fit this model"):
        checkpoint.load(best, wider)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def restate(folder: Path, **changes: object) -> None:
    """A state that says something else, with a manifest that agrees: another version may have written it."""
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | changes))
    (folder / "manifest.json").unlink()
    checkpoint.seal(folder)


def placed(step: int) -> dict[str, Any]:
    return {"step": step, "samples": step * 4, "tokens": step * 8, "seconds": step / 2}


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "flipped bit": (lambda f: flip(f / "model.safetensors"), "model.safetensors does not match its checksum"),
    "flipped optimizer": (lambda f: flip(f / "optimizers.pt"), "optimizers.pt does not match its checksum"),
    "cut short": (lambda f: (f / "random.pt").write_bytes(b"x"), "random.pt is cut short or too long"),
    "missing file": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "it is incomplete"),
    "torn manifest": (lambda f: (f / "manifest.json").write_text('{"model'), "it is incomplete"),
    "torn state": (lambda f: (f / "state.json").write_text('{"form'), "it is incomplete"),
    "future": (lambda f: restate(f, format="expc.checkpoint/3"),
               "its format is 'expc.checkpoint/3', this version reads 'expc.checkpoint/2'"),
    "foreign": (lambda f: restate(f, training_sha256="c" * 64),
                "it belongs to another training: the spec has changed since"),
    "no position": (lambda f: restate(f, position={"step": 30}), "its state does not say which step it is"),
    **{f"{key} {value!r}": (lambda f, key=key, value=value: restate(f, position=placed(30) | {key: value}),
                            "its state does not say which step it is")
       for key, value in [("step", 10**30), ("step", -4), ("step", "30"), ("step", True), ("samples", "x"), ("tokens", 1.5),
                          ("seconds", None)]},
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named_and_the_one_before_is_taken(tmp_path: Path, kind: str) -> None:
    damage, why = DAMAGE[kind]
    for step in (10, 20, 30):
        save(tmp_path, step)
    damage(tmp_path / "step_000030")
    assert found(tmp_path) == (20, {"step_000030": why})
    assert isinstance(checkpoint.inspect(tmp_path / "step_000030"), Found if kind == "foreign" else Skipped)


def test_names_are_not_believed(tmp_path: Path) -> None:
    save(tmp_path, 10)
    save(tmp_path, 20)
    (tmp_path / "step_000010").rename(tmp_path / "step_000099")
    (tmp_path / "step_000020").rename(tmp_path / "backup")
    assert found(tmp_path) == (20, {})
    at = checkpoint.at_step(tmp_path, 10)
    assert isinstance(at, Found) and at.folder.name == "step_000099"
    assert checkpoint.at_step(tmp_path, 11) is None


def test_nothing_there_is_nothing_found(tmp_path: Path) -> None:
    assert found(tmp_path / "missing") == (None, {})
    assert checkpoint.at_step(tmp_path / "missing", 1) is None


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_write_that_fails_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 10)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_json", full)
    with pytest.raises(UserError, match=r"step 20 could not be written \(No space left on device\).*B are free"):
        save(tmp_path, 20)
    assert kept(tmp_path) == ["step_000010"] and found(tmp_path)[0] == 10


def test_tied_weights_are_saved(tmp_path: Path) -> None:
    task = OneModel()
    tied = nn.ModuleDict({"a": nn.Linear(3, 3, bias=False), "b": nn.Linear(3, 3, bias=False)})
    tied["b"].weight = tied["a"].weight  # type: ignore[union-attr]
    task.models["model"] = tied
    checkpoint.load(checkpoint.inspect(save(tmp_path, 10, task=task)), task, optimizers=False)  # type: ignore[arg-type]
    assert torch.equal(tied["a"].weight, tied["b"].weight)  # type: ignore[union-attr]


def test_copies_in_another_folder_are_as_good(tmp_path: Path) -> None:
    shutil.copytree(save(tmp_path / "one", 10), tmp_path / "two" / "step_000010")
    assert found(tmp_path / "two") == (10, {})
