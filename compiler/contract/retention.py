"""Which checkpoints a run holds: the newest ones, those that are kept for good, and the best.

Only steps that the spec plans count (multiples of `every`, and the last one). What a stop has saved in between is kept until
the next checkpoint is there, so that an interrupted run ends with the same checkpoints as one that was not. Nothing is
enumerated that grows with the length of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from math import isfinite, lcm

from .experiment import Checkpointing, Experiment


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


def most_at_once(experiment: Experiment) -> int:
    """The largest number of checkpoints that a run ever holds: all that are kept, one of a stop, one being written."""
    policy, training = experiment.checkpoint, experiment.training
    planned = _multiples(training.start, training.steps - 1, policy.every) + 1
    period = lcm(policy.every, policy.keep_every) if policy.keep_every else None
    for_good = _multiples(training.start, training.steps, period) if period else 0
    count = policy.keep_best.count if policy.keep_best else 0
    return min(planned, policy.keep_last + for_good + count) + 2


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
