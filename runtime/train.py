"""The train stage: from fresh weights, from a parent's checkpoint, or from where this run stopped, to the last step."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.snapshot import training_sha256
from expc.compiler.contract.training import known

from . import checkpoint, distributed, families, milestones, parent, randomness, retention, room
from .checkpoint import Found, Position
from .errors import FAILED, UserError
from .families import Task
from .files import make_folder, remove_leftovers
from .journal import Metrics, event, now, read_lines, validation_at
from .lock import exclusive
from .loop import Loop, pace
from .memory import peak_memory, ran_out
from .prepare import prepare
from .progress import say
from .record import Record, code, environment, git_state, last_words
from .signals import StopRequest
from .trackers.feeding import fed
from .watch import ends_with, of_run, refuse_stopped
from .workspace import run_folder


def device() -> torch.device:
    """The GPU of this process where there is one, else the CPU."""
    if torch.cuda.is_available():
        torch.cuda.set_device(distributed.local_rank())
        return torch.device("cuda", distributed.local_rank())
    return torch.device("cpu")


def train(experiment: Experiment, workspace: Path, record: Record) -> None:
    """Trains the run to its last step and keeps its record. Raises UserError."""
    distributed.check(known(experiment.training.batch).ranks)
    folder = run_folder(workspace, experiment.run)
    distributed.start(device())
    if not distributed.is_main():
        done, found = distributed.of_main(None)
        return None if done else _attempt(experiment, workspace, record, folder, found)
    with exclusive(folder / "lock", f"the run {experiment.run}"):
        make_folder(folder / "checkpoints", workspace)
        remove_leftovers(folder)
        remove_leftovers(folder / "checkpoints")
        found, skipped = checkpoint.newest(folder / "checkpoints", training_sha256(experiment.training))
        for one in skipped:
            say(f"passing over {one.folder.name}: {one.why}")
            event(folder, "skipped_checkpoint", folder=one.folder.name, why=one.why)
        if found:
            _stay_stopped(experiment, record, found)
        done = found is not None and _is_done(experiment, found, folder, record)
        distributed.of_main((done, found))
        if found and done:
            retention.prune(found.folder, experiment, folder)
            _close_again(experiment, record, folder, found.position)
        else:
            _attempt(experiment, workspace, record, folder, found)


def _stay_stopped(experiment: Experiment, record: Record, found: Found) -> None:
    """Raises UserError where a guard ended the run at this checkpoint; what a kill kept out of the record comes into it."""
    try:
        refuse_stopped(experiment, found)
    except UserError:
        if record.body["outcome"] == "running":
            record.update(outcome="stopped", attempts=_ended(record), **_totals(experiment, found.position))
        raise


def _ended(record: Record) -> list[dict[str, Any]]:
    """The attempts so far; one that left no end was killed."""
    return [{"outcome": "killed"} | attempt for attempt in record.body["attempts"]]


def _close_again(experiment: Experiment, record: Record, folder: Path, position: Position) -> None:
    """A run that is there: what a kill between the last checkpoint and the end kept out of the record comes into it."""
    say(f"trained already: step {position.step:,} of {experiment.training.steps:,}")
    validations = [line for line in read_lines(folder / "metrics.jsonl") if line.get("kind") == "valid"]
    measured = {key: value for key, value in validations[-1].items() if key != "kind"}
    record.update(outcome="done", attempts=_ended(record), last_validation=measured, **_totals(experiment, position))


def _is_done(experiment: Experiment, found: Found, folder: Path, record: Record) -> bool:
    """Whether nothing is left to do: trained, validated, and no guard stopped the run at that last validation."""
    step = found.position.step
    measured = validation_at(folder / "metrics.jsonl", step)
    if step < experiment.training.steps or measured is None:
        return False
    return record.body["outcome"] == "done" or not ends_with(experiment, found, measured)


def _attempt(experiment: Experiment, workspace: Path, record: Record, folder: Path, found: Found | None) -> None:
    data, fingerprint = prepare(experiment, workspace)
    where = device()
    _settle(known(experiment.training.seed), where)
    task = families.load(experiment.training.family).build(experiment.training, data, where)
    randomness.part(known(experiment.training.seed), distributed.rank())
    position, source = _start(experiment, workspace, task, fingerprint, found)
    attempt = {"started": now(), "from_step": position.step, "source": source, "device": str(where),
               "host": environment(str(where)), "git": git_state(workspace)}
    origin = {"data": parent.essence(fingerprint), "made_with": code(workspace)}
    loop = _loop(experiment, task, position, folder, record, found, origin)
    loop.data = fingerprint
    if found and distributed.is_main():  # a kill may have come between a checkpoint and what it made superfluous
        retention.prune(found.folder, experiment, folder, loop.at_least())
    with fed(experiment.trackers if distributed.is_main() else (), folder):
        _run(loop, record, attempt, fingerprint)


def _settle(seed: int, where: torch.device) -> None:
    """The same random numbers, and on a CPU the same sums in the same order, run after run."""
    randomness.seed(seed)
    if where.type == "cpu":  # what has no such form warns once and goes on
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _begin(loop: Loop, record: Record, earlier: list[dict[str, Any]], attempt: dict[str, Any],
           fingerprint: dict[str, Any]) -> None:
    """Notes the attempt, and says where it begins."""
    for change in _differences(earlier[-1] if earlier else attempt, attempt):
        say(f"not as in the attempt before: {change}")
    parameters = {name: sum(p.numel() for p in model.parameters()) for name, model in loop.task.models.items()}
    record.update(outcome="running", data=fingerprint, attempts=[*earlier, attempt], parameters=parameters)
    step, source = attempt["from_step"], attempt["source"]
    event(loop.folder, "resumed" if step else "started", step=step, source=source)
    say(f"{source}: step {step:,} to {loop.experiment.training.steps:,} on {attempt['device']}")


def _differences(before: dict[str, Any], now_: dict[str, Any]) -> list[str]:
    """What may keep a resumed run from being the same to the last bit: machine, software, threads."""
    pairs = {"device": (before.get("device"), now_["device"])}
    pairs |= {key: (before.get("host", {}).get(key), now_["host"].get(key))
              for key in ("cpu", "gpu", "torch", "expc", "threads")}
    return [f"{key} was {old}, is {new}" for key, (old, new) in pairs.items() if old != new]


def _loop(experiment: Experiment, task: Task, position: Position, folder: Path, record: Record,
          found: Found | None, origin: dict[str, Any]) -> Loop:
    identity = {"run": experiment.run, "training_sha256": training_sha256(experiment.training),
                "snapshot_sha256": record.body["snapshot_sha256"], **origin}
    metrics = Metrics(folder / "metrics.jsonl", position.step) if distributed.is_main() else None
    announcer = milestones.Announcer(experiment, folder)

    def validated(step: int, measured: dict[str, float]) -> None:
        if distributed.is_main():
            record.update(step=step, last_validation={"step": step, **measured})
            reached(step)

    def reached(step: int) -> None:
        if metrics and experiment.milestones:
            metrics.flush()
            announcer.announce(step)

    guards, watchdog = of_run(experiment, task, folder, record, found)
    saved = found.position.step if found else None
    return Loop(experiment, task, position, folder, metrics, identity, validated, guards, watchdog, reached, saved=saved)


def _run(loop: Loop, record: Record, attempt: dict[str, Any], fingerprint: dict[str, Any]) -> None:
    """Trains; however that ends, from the moment at which the record says that it runs, the record says it."""
    outcome, earlier = "failed", _ended(record)
    with room.reserved(loop.folder) if loop.metrics else nullcontext(lambda: None) as give_back:
        try:
            if loop.metrics:
                _begin(loop, record, earlier, attempt, fingerprint)
            loop.run()
            outcome = "done"
        except BaseException as error:
            outcome = record.cause(error)
            if ran_out(error):
                raise UserError(f"memory ran out at step {loop.position.step:,}: fewer batch.rows with more batch.accumulation "
                                "need less, and the guard `out of memory` can see to that; the last checkpoint stays",
                                FAILED) from error
            raise
        finally:
            with StopRequest() as stop:  # a signal waits until the record is whole
                if loop.metrics:
                    give_back()
                    _leave(record, earlier, attempt, loop, outcome)
            if outcome == "done":
                distributed.stop()
    if stop.name:
        raise KeyboardInterrupt


def _leave(record: Record, earlier: list[dict[str, Any]], attempt: dict[str, Any], loop: Loop, outcome: str) -> None:
    """Closes the journal, then the record, whatever becomes of the journal."""
    with last_words(outcome):
        loop.metrics.close()  # type: ignore[union-attr]
    with last_words(outcome):
        _close(record, earlier, attempt, loop, outcome)


def _close(record: Record, earlier: list[dict[str, Any]], attempt: dict[str, Any], loop: Loop, outcome: str) -> None:
    peak, how = peak_memory()
    ended = attempt | {"ended": now(), "outcome": outcome, "to_step": loop.position.step}
    record.update(outcome=outcome, attempts=[*earlier, ended],
                  peak_memory=max(peak, record.body.get("peak_memory") or 0), peak_memory_how=how,
                  **_totals(loop.experiment, loop.position))
    if outcome == "done":
        event(loop.folder, "done", step=loop.position.step)


def _totals(experiment: Experiment, position: Position) -> dict[str, Any]:
    """What the record says of how far the run has come, in which time."""
    return {"step": position.step, "samples": position.samples, "tokens": position.tokens,
            "train_seconds": round(position.seconds, 3), "tokens_per_second": round(pace(experiment.training, position), 1)}


def _start(experiment: Experiment, workspace: Path, task: Task, fingerprint: dict[str, Any],
           found: Found | None) -> tuple[Position, str]:
    """Where training starts, with the task's state put in place."""
    if found:
        parent.same_data(found, fingerprint, experiment.run)
        checkpoint.load(found, task)
        return found.position, f"going on from {found.folder.name}"
    resume = experiment.training.resume
    if resume is None:
        return Position(0, 0, 0, 0.0), "fresh"
    source = parent.parent_checkpoint(experiment, workspace)
    parent.compare(experiment, workspace, source, fingerprint)
    checkpoint.load(source, task, optimizers=resume.optimizer == "keep", inherited=True)
    if distributed.is_main():
        for line in parent.boundary(experiment):
            say(line)
    before = source.position
    return Position(before.step, before.samples, before.tokens, 0.0), f"from {resume.parent} step {resume.step}"
