"""Two folders of runs in, what tells them apart out: an interrupted run that was resumed has to differ in nothing but time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from expc.runtime.checkpoint import Found, claims, inspect
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines

RECORDED = ("outcome", "step", "samples", "tokens", "last_validation", "parameters", "data")


def same(first: object, second: object) -> bool:
    """Deep equality, tensors bit for bit."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def differences(run: Path, other: Path, steps: int) -> Iterator[str]:
    """Checkpoints that are there, the last one's content, every metric that is not a time, the record, and leftovers."""
    one, two = (dict(_checkpoints(folder)) for folder in (run, other))
    if one.keys() != two.keys():
        yield f"checkpoints: {sorted(one)} and {sorted(two)}"
    if steps in one and steps in two:
        yield from _of_checkpoints(one[steps], two[steps])
    lines = [[line for line in read_lines(folder / "metrics.jsonl") if line["kind"] != "pace"] for folder in (run, other)]
    if lines[0] != lines[1]:
        yield "metrics: " + next((f"{a} and {b}" for a, b in zip(*lines, strict=False) if a != b), "not as many lines")
    if [line["step"] for line in lines[0] if line["kind"] == "train"] != list(range(1, steps + 1)):
        yield "metrics: not every step has a line of its own"
    records: list[dict[str, Any]] = [read_json(folder / "record.json") for folder in (run, other)]
    for key in RECORDED:
        if records[0].get(key) != records[1].get(key):
            yield f"record: {key} is {records[0].get(key)} and {records[1].get(key)}"
    results = [_evaluation(folder, steps) for folder in (run, other)]
    if results[0] != results[1]:
        yield f"evaluation: {results[0]} and {results[1]}"
    for path in (*run.glob(".*"), *(run / "checkpoints").glob(".*"), *(run / "evaluation").glob(".*")):
        yield f"left over: {path.relative_to(run)}"


def _evaluation(run: Path, steps: int) -> Any:
    """What the evaluation of the last step found, and the files that it left; None where there is none."""
    result, folder = read_json(run / "evaluation" / f"step_{steps:06d}.json"), run / "evaluation" / f"step_{steps:06d}"
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}
    return result and (result["findings"], result["step"], files)


def _checkpoints(run: Path) -> Iterator[tuple[int, Found]]:
    for path, step, _ in claims(run / "checkpoints"):
        found = inspect(path)
        if step is not None and isinstance(found, Found):
            yield step, found


def _of_checkpoints(one: Found, two: Found) -> Iterator[str]:
    states = [found.state | {"position": found.state["position"] | {"seconds": None}} for found in (one, two)]
    for key in states[0].keys() | states[1].keys():
        if states[0].get(key) != states[1].get(key):
            yield f"state: {key} is {states[0].get(key)} and {states[1].get(key)}"
    for path in sorted(one.folder.glob("*.safetensors")):
        if not same(load_file(path), load_file(two.folder / path.name)):
            yield f"weights: {path.name}"
    for name in ("optimizers.pt", "random.pt"):
        if not same(*(torch.load(found.folder / name, weights_only=True) for found in (one, two))):
            yield f"content: {name}"
