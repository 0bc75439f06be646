"""Which checkpoints a run holds: the newest ones, those that are kept for good, and the best.

Only steps that the spec plans count (multiples of `every`, and the last one). What a stop has saved in between is kept until
the next checkpoint is there, so that an interrupted run ends with the same checkpoints as one that was not. Nothing is
enumerated that grows with the length of a run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from math import ceil, isfinite, lcm

from .conditions import parse, walk
from .conditions.values import Span
from .experiment import Checkpointing, Experiment

TRUST = 2
"""The loss of step n is computed from what step n - 1 made of the weights: where step n went wrong, the checkpoint of
step n - 1 may be what is wrong, and the one before is the first to be trusted."""


def is_kept(experiment: Experiment, step: int) -> bool:
    """Whether a finished run is sure to hold its checkpoint of a step; which ones are the best is not known before."""
    return step in newest_kept(experiment, experiment.checkpoint.keep_last) or _is_kept_for_good(experiment, step)


def newest_kept(experiment: Experiment, count: int) -> list[int]:
    """At most `count` steps that a finished run is sure to hold, the newest ones, in ascending order."""
    first, last, policy = experiment.training.start, experiment.training.steps, experiment.checkpoint
    regular = range((last - 1) // policy.every * policy.every, first, -policy.every)
    newest = [last, *islice(regular, policy.keep_last - 1)]
    for_good: list[int] = []
    if policy.keep_every:
        period = lcm(policy.every, policy.keep_every)
        for_good = list(islice(range(last // period * period, first, -period), count))
    return sorted({*newest, *for_good})[-count:]


def survivors(experiment: Experiment, steps: Iterable[int], measured: Mapping[int, float]) -> set[int]:
    """Of the steps that a run holds checkpoints of, those that stay; `measured` is the best-metric by step, where known."""
    held, policy = sorted(steps), experiment.checkpoint
    planned = [step for step in held if _is_planned(experiment, step)]
    for_good = {step for step in planned if _is_kept_for_good(experiment, step)}
    return {*held[-1:], *planned[-policy.keep_last:], *for_good, *best(policy, planned, measured)}


def best(policy: Checkpointing, steps: Iterable[int], measured: Mapping[int, float]) -> list[int]:
    """The best of these steps by the policy's metric, best first; of equal ones the earlier. Unmeasured ones are none."""
    if policy.keep_best is None:
        return []
    sign = 1 if policy.keep_best.better == "lower" else -1
    known = [step for step in steps if isfinite(measured.get(step, float("nan")))]
    return sorted(known, key=lambda step: (sign * measured[step], step))[: policy.keep_best.count]


def to_go_back(experiment: Experiment) -> int:
    """How many of the newest checkpoints have to be there while it trains, so that guards have one to go back to.

    One where no guard goes back. Spans of time are not known in steps, and count as none.
    """
    if not any(guard.action.times for guard in experiment.guards):
        return 1
    lengths = {"steps": 1, "validations": experiment.validation.every if experiment.validation else 0}
    spans = [part.value * lengths.get(part.unit, 0) for guard in experiment.guards if guard.action.kind == "roll_back"
             for part in walk(parse(guard.when)) if isinstance(part, Span)]
    return ceil((max(spans, default=0) + TRUST) / experiment.checkpoint.every) + 1


def most_at_once(experiment: Experiment, wanted: Collection[int] = ()) -> int:
    """The largest number of checkpoints that a run ever holds: all that are kept, one of a stop, one being written.

    `wanted` are steps that stay because other experiments start from them or are compared with them.
    """
    policy, training, back = experiment.checkpoint, experiment.training, to_go_back(experiment)
    planned = _multiples(training.start, training.steps - 1, policy.every) + 1
    first = int(back > 1)  # guards that go back have the first step saved too
    period = lcm(policy.every, policy.keep_every) if policy.keep_every else None
    for_good = _multiples(training.start, training.steps, period) if period else 0
    best = policy.keep_best.count if policy.keep_best else 0
    others = sum(_is_planned(experiment, step) and not _is_kept_for_good(experiment, step) for step in set(wanted))
    return min(planned + first, max(policy.keep_last, back) + for_good + best + others) + 2


def _multiples(first: int, last: int, period: int) -> int:
    """How many multiples of a period there are after `first`, up to `last`."""
    return last // period - first // period


def _is_planned(experiment: Experiment, step: int) -> bool:
    if step <= experiment.training.start:
        return False
    return step == experiment.training.steps or step % experiment.checkpoint.every == 0


def _is_kept_for_good(experiment: Experiment, step: int) -> bool:
    policy, last = experiment.checkpoint, experiment.training.steps
    if not policy.keep_every or step % policy.keep_every or not experiment.training.start < step <= last:
        return False
    return _is_planned(experiment, step)
