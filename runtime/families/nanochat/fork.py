"""A parent's checkpoint copied for a run that asks for other rates, and the rates that a checkpoint holds.

When nanochat resumes, its optimizer's `load_state_dict` brings back `initial_lr` of every group, and its schedule multiplies
that: whatever the command line says of rates is ignored. So the copy's optimizer state says the new ones. The parent's
files are only read.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.families.nanochat import Config
from expc.compiler.contract.nanochat import Revision, revision
from expc.compiler.contract.training import Training

from ...errors import FAILED, MISSING, UserError
from ...files import read_json, whole_folder

MATRIX = "matrix"


def parts(folder: Path, step: int, ranks: int) -> list[Path]:
    """The files of one checkpoint, in the order in which nanochat writes them."""
    states = [folder / f"optim_{step:06d}_rank{rank}.pt" for rank in range(ranks)]
    return [folder / f"model_{step:06d}.pt", folder / f"meta_{step:06d}.json", *states]


def problems(folder: Path, step: int, config: Config) -> Iterator[str]:
    """Why the checkpoint of a step cannot be gone on from: files that are missing, another architecture."""
    meta = folder / f"meta_{step:06d}.json"
    lacking = [path for path in parts(folder, step, 1) if not path.is_file()]
    if lacking:
        yield f"{', '.join(map(str, lacking))}: missing; nanochat cannot go on from step {step:,} without"
        return
    said = (read_json(meta) or {}).get("model_config")
    if not isinstance(said, dict):
        yield f"{meta} has no model_config; it is no checkpoint of nanochat"
        return
    model = config.model
    ours = {"n_layer": model.depth, "n_embd": model.built_dim, "n_head": model.heads, "n_kv_head": model.heads,
            "sequence_len": model.sequence_length, "vocab_size": model.vocabulary, "window_pattern": model.window_pattern}
    if differing := [f"{name} is {said[name]} there, {value} here" for name, value in ours.items()
                     if name in said and said[name] != value]:
        yield (f"{meta}: {'; '.join(differing)}. nanochat takes its architecture from the command line, so it would resume "
               "the difference without a word; make the model sections equal")


def fork(source: Path, step: int, target: Path, training: Training) -> dict[str, Any]:
    """Copies model, meta and optimizer state of a step into `target`, with the training's rates; returns what was changed.

    `target` appears whole or not at all. Raises UserError where the checkpoint is not what the revision writes.
    """
    for problem in problems(source, step, training.config):
        raise UserError(problem, MISSING)
    states = sorted(source.glob(f"optim_{step:06d}_rank*.pt"))
    ranks = training.batch.ranks if training.batch else 1
    if len(states) != ranks:
        raise UserError(f"the optimizer state of step {step:,} in {source} is of {len(states)} ranks, this run has {ranks}; "
                        "nanochat shards it, so keep batch.ranks", MISSING)
    changed: dict[str, Any] = {}
    with whole_folder(target) as temporary:
        for name in (f"model_{step:06d}.pt", f"meta_{step:06d}.json"):
            shutil.copyfile(source / name, temporary / name)
        for path in states:
            state = _loaded(path)
            changed = _rewrite(state, training, path)
            torch.save(state, temporary / path.name)
    meta = json.loads((source / f"meta_{step:06d}.json").read_text(encoding="utf-8"))
    return {"from": str(source), "step": step, "rates": changed, "valid_bpb": validated(meta)}


def validated(meta: dict[str, Any]) -> dict[str, Any] | None:
    """The last validation that a checkpoint notes, if it is of the checkpoint's own step, and on how much it was measured."""
    said, step = meta.get("user_config") or {}, meta.get("step")
    every, last = said.get("eval_every") or 0, said.get("num_iterations")
    if meta.get("val_bpb") is None or not isinstance(step, int) or not (step == last or (every > 0 and step % every == 0)):
        return None
    return {"value": float(meta["val_bpb"]), "tokens": said.get("eval_tokens"), "rows": said.get("device_batch_size")}


def _loaded(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        kinds = [group["kind"] for group in state["param_groups"]]
        assert all(isinstance(group["initial_lr"], float) for group in state["param_groups"]) and kinds
    except Exception as error:  # whatever a damaged file makes of unpickling
        raise UserError(f"{path} cannot be read as the state of nanochat's optimizer "
                        f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); take another checkpoint",
                        FAILED) from error
    return dict(state)


def _rewrite(state: dict[str, Any], training: Training, path: Path) -> dict[str, Any]:
    wanted = {group.name: group.rate for group in training.groups}
    changed: dict[str, Any] = {}
    for name, group in _named(state, revision(training.config.checkout.date), path):
        changed[name] = {"stored": group["initial_lr"], "asked": wanted[name]}
        group["initial_lr"] = wanted[name]
    return changed


def _named(state: dict[str, Any], row: Revision, path: Path) -> list[tuple[str, dict[str, Any]]]:
    """(name, group) in the state's order. Raises UserError where the groups are not those of the revision."""
    groups = state["param_groups"]
    names = [*row.groups, *[MATRIX] * (len(groups) - len(row.groups))]
    kinds = ["muon" if name == MATRIX else "adamw" for name in names]
    if MATRIX not in names or kinds != [group["kind"] for group in groups]:
        raise UserError(f"{path} has other parameter groups than revisions from {row.since} on ({', '.join(row.groups)}, then "
                        "Muon's): the checkpoint is of another revision; state its commit and date", FAILED)
    return list(zip(names, groups, strict=True))


def rates(folder: Path, training: Training) -> dict[str, Any]:
    """By group: the rate that was asked for, the peak that the newest checkpoint holds, and its rate in the last update.

    Where groups of one name differ, what deviates is told. Empty where there is no checkpoint or it cannot be read.
    """
    newest = max(folder.glob("optim_*_rank0.pt"), default=None)
    if newest is None:
        return {}
    wanted = {group.name: group.rate for group in training.groups}
    found: dict[str, Any] = {}
    for name, group in _named(_loaded(newest), revision(training.config.checkout.date), newest):
        if name not in found or not close(group["initial_lr"], wanted[name]):
            found[name] = {"asked": wanted[name], "stored": group["initial_lr"], "last": group["lr"]}
    return found


def close(one: float, other: float) -> bool:
    """Whether two rates are the same but for the last digits of their arithmetic."""
    return math.isclose(one, other, rel_tol=1e-6)
