"""Whether the best checkpoints can be told: their metric is measured in validations, and at every checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..diagnostics import Diagnostic, listing, nearest
from ..lowering.bounds import held_out
from .subject import Subject

CODES = (
    entry(
        "E345",
        "The best checkpoint is asked for by a metric that no validation measures",
        "`checkpoint.keep_best.metric` is a held-out metric: `valid_loss`, or one that the family adds. Whether lower or "
        "higher is better belongs to the metric.",
        wrong="checkpoint: {keep_best: {metric: train_loss}}",
        right="checkpoint: {keep_best: {metric: valid_loss}}",
    ),
    entry(
        "E346",
        "Checkpoints that are not validated cannot be the best",
        "`checkpoint.keep_best` goes by the validation at a checkpoint's own step. Let `checkpoint.every` be a multiple of "
        "`eval.validation.every`.",
        wrong="checkpoint: {every: 250, keep_best: {metric: valid_loss}}",
        right="checkpoint: {every: 500, keep_best: {metric: valid_loss}}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The metric of keep_best, and the steps at which it is measured."""
    policy, validation = subject.experiment.checkpoint, subject.experiment.validation
    if policy.keep_best is None or validation is None:
        return
    known = {one.name for one in held_out(subject.experiment.training.family) if one.better}
    if policy.keep_best.metric not in known:
        near = nearest(policy.keep_best.metric, known)
        yield subject.finding("E345", f'no validation measures "{policy.keep_best.metric}"',
                              "checkpoint.keep_best.metric", f'did you mean "{near}"?' if near else
                              f"validation measures {listing(sorted(known))}")
    if policy.every % validation.every:
        yield subject.finding("E346", f"a checkpoint is saved every {policy.every:,} steps, and validation is every "
                              f"{validation.every:,}: some are never judged", "checkpoint.keep_best",
                              "let checkpoint.every be a multiple of eval.validation.every",
                              ["checkpoint.every", "eval.validation.every"])
