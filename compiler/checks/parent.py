"""Whether a resumed run can start from its parent: the step exists, and architecture, data and precision agree."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.codec import to_plain
from ..contract.experiment import Experiment
from ..contract.retention import is_kept, newest_kept
from ..diagnostics import Diagnostic
from ..differences import differences
from .subject import Subject

CODES = (
    entry(
        "E310",
        "The run ends at or before the step it resumes from",
        "`steps` counts from the very first update, the parent's included. A run that resumes at step 5,000 and trains "
        "15,000 more says `steps: 20000`.",
        wrong="resume: {from: parent.yaml, step: 1000}\nsteps: 1000",
        right="resume: {from: parent.yaml, step: 1000}\nsteps: 2000",
    ),
    entry(
        "E311",
        "The parent has no checkpoint at that step",
        "A parent saves every `checkpoint.every` steps and at its last one, and keeps the newest `keep_last` and the "
        "multiples of `keep_every`. The resume step has to be one that is still there when it has finished.",
        wrong="resume: {from: parent.yaml, step: 700}\nsteps: 2000",
        right="resume: {from: parent.yaml, step: 1000}\nsteps: 2000",
    ),
    entry(
        "E312",
        "The architecture or the data is not the parent's",
        "A checkpoint fits one architecture and one tokenizer. `model` and `data` have to be the parent's, most simply by "
        "`extends` of the parent's file.",
        wrong="resume: {from: parent.yaml, step: 1000}\nsteps: 2000\nmodel: {dim: 512}",
        right="resume: {from: parent.yaml, step: 1000}\nsteps: 2000",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The resume section against the parent's experiment."""
    resume = subject.experiment.training.resume
    if not resume or not subject.parent:
        return
    if subject.experiment.training.steps <= resume.step:
        yield subject.finding("E310", f"steps {subject.experiment.training.steps:,} leaves nothing to train after step "
                              f"{resume.step:,}", "steps", "steps counts from zero, the parent's included", ["resume.step"])
    if not is_kept(subject.parent, resume.step):
        kept = ", ".join(f"{step:,}" for step in newest_kept(subject.parent, 6))
        yield subject.finding("E311", f"{subject.parent.run} has no checkpoint at step {resume.step:,}", "resume.step",
                              f"it keeps step {kept}", ["resume.from"])
    if subject.experiment.watching is None:  # which flags of a foreign program make its model, nobody knows here
        yield from _unlike(subject, subject.parent)


def _unlike(subject: Subject, parent: Experiment) -> Iterator[Diagnostic]:
    if subject.experiment.training.config == parent.training.config:
        return
    mine, theirs = (to_plain(one.training.config) for one in (subject.experiment, parent))
    for one in differences(*({part: plain.get(part) for part in ("model", "data")} for plain in (theirs, mine))):
        yield subject.finding("E312", f"{one.key} is {one.after}, in {parent.run} it is {one.before}", one.key,
                              "a checkpoint fits only the architecture and data it was trained with", ["resume.from"])
