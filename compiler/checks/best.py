"""Whether the best checkpoint can be another one than the final."""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm

from ..codes.entry import entry
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "W511",
        "The best checkpoint and the final one are the same weights",
        "The best checkpoint is chosen among those that are both saved and validated. Where only the last step of the run is "
        "both, best and final are one model: judging the two apart compares it with itself, and whatever is heard to differ "
        "is chance. Validate and save more often, or keep no best.",
        wrong="checkpoint: {every: 1000, keep_best: {metric: valid_loss}}\nsteps: 1000",
        right="checkpoint: {every: 500, keep_best: {metric: valid_loss}}\nsteps: 1000\neval: {validation: {every: 500}}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The steps that are saved and validated, where the best of them is to be kept."""
    experiment = subject.experiment
    training, validation, saving = experiment.training, experiment.validation, experiment.checkpoint
    if saving.keep_best is None or validation is None or training.own_steps <= 0:
        return
    both = lcm(saving.every, validation.every)
    if (training.start // both + 1) * both >= training.steps:
        figures = {"step": f"{training.steps:,}", "every": f"{saving.every:,}", "validated": f"{validation.every:,}"}
        yield subject.warning("W511", "checkpoint.keep_best", figures, "save and validate more often, or keep no best",
                              ["checkpoint.every", "eval.validation.every"])
