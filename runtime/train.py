"""The train stage: from fresh weights, from a parent's checkpoint, or from where this run stopped, to the last step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import significant
from expc.compiler.contract.snapshot import training_sha256

from . import checkpoint, distributed, families
from .checkpoint import Position
from .errors import FAILED, UserError
from .families import Task
from .journal import Metrics, event, now, read_lines
from .lock import exclusive
from .loop import Loop, peak_memory
from .parent import parent_checkpoint, same_data
from .prepare import prepare
from .progress import say
from .record import OUTCOMES, Record, environment, git_state
from .workspace import run_folder


def device() -> torch.device:
    """The GPU of this process where there is one, else the CPU."""
    if torch.cuda.is_available():
        torch.cuda.set_device(distributed.local_rank())
        return torch.device("cuda", distributed.local_rank())
    return torch.device("cpu")


def train(experiment: Experiment, workspace: Path, record: Record) -> None:
    """Trains the run to its last step and keeps its record. Raises UserError."""
    folder = run_folder(workspace, experiment.run)
    if not distributed.is_main():
        return _attempt(experiment, workspace, record, folder)
    with exclusive(folder / "lock", f"the run {experiment.run}"):
        found = _newest(experiment, folder)
        if found and found.position.step >= experiment.training.steps and _validated(folder, found.position.step):
            say(f"trained already: step {found.position.step:,} of {experiment.training.steps:,}")
            record.update(outcome="done", step=found.position.step)
            return
        _attempt(experiment, workspace, record, folder)


def _newest(experiment: Experiment, folder: Path) -> checkpoint.Found | None:
    found, skipped = checkpoint.newest(folder / "checkpoints", training_sha256(experiment.training))
    for one in skipped:
        say(f"passing over {one.folder.name}: {one.why}")
        event(folder, "skipped_checkpoint", folder=one.folder.name, why=one.why)
    return found


def _validated(folder: Path, step: int) -> bool:
    return any(line["step"] == step for line in read_lines(folder / "metrics.jsonl") if line.get("kind") == "valid")


def _attempt(experiment: Experiment, workspace: Path, record: Record, folder: Path) -> None:
    data, fingerprint = prepare(experiment, workspace)
    where = device()
    distributed.start(where)
    # The same sums in the same order, run after run; what has no such form warns once and goes on.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(experiment.training.seed)
    task = families.load(experiment.training.family).build(experiment.training, data, where)
    position, source = _start(experiment, workspace, folder, task, fingerprint)
    attempt = {"started": now(), "from_step": position.step, "source": source, "device": str(where),
               "host": environment(str(where)), "git": git_state(workspace)}
    if distributed.is_main():
        record.update(outcome="running", data=fingerprint, attempts=[*record.body["attempts"], attempt],
                      parameters={name: sum(p.numel() for p in model.parameters()) for name, model in task.models.items()})
        event(folder, "started" if source == "fresh" else "resumed", step=position.step, source=source)
    say(f"{source}: step {position.step:,} to {experiment.training.steps:,} on {where}")
    outcome = "failed"
    loop = _loop(experiment, task, position, folder, record)
    try:
        if position.step not in _validated_steps(folder) and position.step:
            loop.validate(say)
        loop.run()
        outcome = "done"
    except UserError as error:
        outcome = OUTCOMES.get(error.exit_code, "failed")
        raise
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    except torch.cuda.OutOfMemoryError as error:
        raise UserError(f"the GPU ran out of memory at step {loop.position.step:,}: fewer batch.rows with more "
                        "batch.accumulation need less; the last checkpoint stays", FAILED) from error
    finally:
        loop.metrics.close()
        if distributed.is_main():
            _close(record, attempt, loop, outcome)
        if outcome == "done":
            distributed.stop()


def _loop(experiment: Experiment, task: Task, position: Position, folder: Path, record: Record) -> Loop:
    identity = {"run": experiment.run, "training_sha256": training_sha256(experiment.training),
                "snapshot_sha256": record.body["snapshot_sha256"]}
    metrics = Metrics(folder / "metrics.jsonl", position.step)
    return Loop(experiment, task, position, folder, metrics, identity,
                lambda step, measured: record.update(step=step, last_validation={"step": step, **measured})
                if distributed.is_main() else None)


def _validated_steps(folder: Path) -> set[int]:
    return {line["step"] for line in read_lines(folder / "metrics.jsonl") if line.get("kind") == "valid"}


def _close(record: Record, attempt: dict[str, Any], loop: Loop, outcome: str) -> None:
    peak, how = peak_memory()
    ended = attempt | {"ended": now(), "outcome": outcome, "to_step": loop.position.step}
    attempts = [*record.body["attempts"][:-1], ended]
    record.update(outcome=outcome, step=loop.position.step, attempts=attempts, train_seconds=round(loop.position.seconds, 3),
                  samples=loop.position.samples, tokens=loop.position.tokens,
                  tokens_per_second=round(loop.pace(), 1), peak_memory=max(peak, record.body.get("peak_memory") or 0),
                  peak_memory_how=how)


def _start(experiment: Experiment, workspace: Path, folder: Path, task: Task,
           fingerprint: dict[str, Any]) -> tuple[Position, str]:
    """Where training starts, with the task's state put in place."""
    found = _newest(experiment, folder)
    if found:
        checkpoint.load(found, task)
        return found.position, f"going on from {found.folder.name}"
    resume = experiment.training.resume
    if resume is None:
        return Position(0, 0, 0, 0.0), "fresh"
    source = parent_checkpoint(experiment, workspace)
    same_data(experiment, workspace, fingerprint)
    checkpoint.load(source, task, optimizers=resume.optimizer == "keep")
    say(f"from {resume.parent} at step {resume.step:,}; at the boundary:")
    for row in experiment.boundary:
        change = "" if row.before == row.after else "   <- changes"
        say(f"  {row.name:<28} {significant(row.before):>12} -> {significant(row.after):>12}{change}")
    before = source.position
    return Position(before.step, before.samples, before.tokens, 0.0), f"from {resume.parent} step {resume.step}"
