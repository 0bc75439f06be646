"""Which checkpoints are there when a run has finished: the newest ones, and those that are kept for good.

Nothing is enumerated, so that a run of any length is answered at once.
"""

from __future__ import annotations

from itertools import islice
from math import lcm

from .experiment import Experiment


def is_kept(experiment: Experiment, step: int) -> bool:
    """Whether a finished run still holds its checkpoint of a step."""
    return step in newest_kept(experiment, experiment.checkpoint.keep_last) or _is_kept_for_good(experiment, step)


def newest_kept(experiment: Experiment, count: int) -> list[int]:
    """At most `count` steps that a finished run still holds, the newest ones, in ascending order."""
    first, last, policy = experiment.training.start, experiment.training.steps, experiment.checkpoint
    regular = range((last - 1) // policy.every * policy.every, first, -policy.every)
    newest = [last, *islice(regular, policy.keep_last - 1)]
    for_good: list[int] = []
    if policy.keep_every:
        period = lcm(policy.every, policy.keep_every)
        for_good = list(islice(range(last // period * period, first, -period), count))
    return sorted({*newest, *for_good})[-count:]


def _is_kept_for_good(experiment: Experiment, step: int) -> bool:
    policy, last = experiment.checkpoint, experiment.training.steps
    if not policy.keep_every or step % policy.keep_every or not experiment.training.start < step <= last:
        return False
    return step == last or step % policy.every == 0
