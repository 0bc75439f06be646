"""Taking a run up again from an earlier checkpoint, as a guard wants it: lower rates, or the batch in smaller pieces.

The checkpoint is the newest that can be trusted; later ones are deleted. The loop saves what the guard has changed before
it goes on, so that a kill does not forget it.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from expc.compiler.contract.retention import TRUST

from . import checkpoint, distributed
from .checkpoint import Found
from .errors import STOPPED_BY_GUARD, UserError
from .guards import Decision
from .progress import say

if TYPE_CHECKING:
    from .loop import Loop


def go_back(loop: Loop, decision: Decision) -> None:
    """Puts the loop to the newest checkpoint from before what the guard saw. Raises UserError where there is none."""
    rolls = decision.guard.action.kind == "roll_back"
    latest = decision.onset - TRUST if rolls else loop.experiment.training.steps
    found = _chosen(loop, latest)
    if found is None:
        _stop_here(loop, decision, latest)
    _release(loop)
    checkpoint.load(found, loop.task)
    if distributed.world_size() > 1:
        distributed.from_main([0])  # nobody reads any more what is written anew below
    loop.guards = loop.guards.after(decision, found.state.get("guards") or {})
    loop.take_up(found.position)
    if loop.metrics:
        loop.metrics.rewind(found.position.step)
        _tell(loop, decision, found.position.step)


def _stop_here(loop: Loop, decision: Decision, latest: int) -> NoReturn:
    """Writes down that there is nothing to go back to, and ends the run there."""
    if loop.metrics:
        loop.guards.tell(decision.guard, decision.step, {"done": "nowhere"}, "")
    why = f"a checkpoint of step {latest:,} or before is wanted, and there is none any more; lower checkpoint.every"
    if latest < loop.experiment.training.start:
        why = (f"it was so from update {decision.onset:,} on, so that no checkpoint is from before it, and from where the run "
               "began the same would come; lower the rates in the spec, or lengthen the warmup, and begin anew")
    raise UserError(f"stopped by {decision}. It cannot go back: {why}", STOPPED_BY_GUARD)


def _chosen(loop: Loop, latest: int) -> Found | None:
    """The newest whole checkpoint up to a step. Rank 0 chooses, and deletes those behind it."""
    folder, step = loop.folder / "checkpoints", -1
    if distributed.is_main():
        found = checkpoint.up_to(folder, loop.identity["training_sha256"], latest)
        step = found.position.step if found else -1
        if found:
            checkpoint.discard_after(folder, loop.identity["training_sha256"], step)
    if distributed.world_size() > 1:
        step = distributed.from_main([step])[0]
    found_there = checkpoint.at_step(folder, step) if step >= 0 else None
    return found_there if isinstance(found_there, Found) else None


def _release(loop: Loop) -> None:
    """Frees what the update that was broken off has left behind."""
    loop.pending = []
    for optimizer in loop.task.optimizers.values():
        optimizer.zero_grad(set_to_none=True)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _tell(loop: Loop, decision: Decision, step: int) -> None:
    guard, guards = decision.guard, loop.guards
    done: dict[str, Any] = {"done": "rolled_back", "to_step": step, "rate": guards.rate}
    line = f"back to step {step:,}, all rates x {guards.rate:g} from here on"
    if guard.action.kind == "halve_batch":
        batch = loop.batch_at(decision.step)
        done = {"done": "halved", "rows": batch.rows, "accumulation": batch.accumulation}
        line = f"on from step {step:,} with {batch.rows} rows at a time, accumulated {batch.accumulation} times"
    guards.tell(guard, decision.step, done, "")
    say(f"{decision}; {line}")
