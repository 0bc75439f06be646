"""Whether milestones can be measured on the way, where they say they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..codes.entry import entry
from ..contract.guards import Milestone
from ..contract.metrics import COMMON
from ..contract.watching import Watching
from ..diagnostics import Diagnostic, listing, nearest
from ..families import family
from ..lowering.lengths import parse_length
from .metrics import bounds
from .subject import Subject

CODES = (
    entry(
        "E440",
        "A milestone on what is not measured on the way",
        "A milestone is judged by what is measured while the run trains: at validations, or the mean training loss.",
        wrong="milestones: [{metric: eval.composite, by: 500, at_least: 50%}]",
        right="milestones: [{metric: valid_loss, by: 500, at_most: 3.0}]",
    ),
    entry(
        "E441",
        "A milestone without a step, or with two",
        "`by` is the step up to which some measurement has to keep the promise, `at` the step whose own measurement has to.",
        wrong="milestones: [{metric: valid_loss, at_most: 3.0, why: as before}]",
        right="milestones: [{metric: valid_loss, by: 500, at_most: 3.0, why: as before}]",
    ),
    entry(
        "E442",
        "A milestone at a step where nothing is measured",
        "The step lies outside of the run, before its first validation, or, with `at`, between two validations.",
        wrong="eval: {validation: {every: 100}}\nmilestones: [{metric: valid_loss, at: 150, at_most: 3.0}]",
        right="eval: {validation: {every: 100}}\nmilestones: [{metric: valid_loss, at: 200, at_most: 3.0}]",
    ),
)


def metrics(family_name: str, watching: Watching | None = None) -> tuple[str, ...]:
    """What a milestone can be about; of a foreign program, also the held-out figures that are read from it."""
    common = tuple(metric.name for metric in COMMON if metric.name in ("train_loss", "valid_loss"))
    read = [name for reader in watching.readers if reader.kind == "valid" for name in reader.figures] if watching else []
    return (*common, *(metric.name for metric in family(family_name).METRICS), *read)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each milestone by itself."""
    known = metrics(subject.experiment.training.family, subject.experiment.watching)
    for index, one in enumerate(subject.experiment.milestones):
        key, name = f"milestones.{index}", one.promise.metric
        said = subject.resolved.value(key)
        if name not in known:
            near = nearest(name, known)
            yield subject.finding("E440", f"{name} is not measured on the way", f"{key}.metric",
                                  f'did you mean "{near}"?' if near else f"there are {listing(known)}")
        elif ("by" in said) == ("at" in said):
            yield subject.finding("E441", f"the milestone on {name} says neither `by` nor `at`" if "by" not in said else
                                  f"the milestone on {name} says both `by` and `at`", key, "keep one of them")
        else:
            yield from _step(subject, one, f"{key}.{'at' if one.exactly else 'by'}")
            yield from bounds(subject, one.promise, key)


def _shown(one: Milestone, said: Any) -> str:
    """What a spec says of a milestone's step: nobody counts the steps to what lies beyond the end."""
    return f"step {one.step:,}" if parse_length(said).unit == "steps" else str(said)


def _step(subject: Subject, one: Milestone, key: str) -> Iterator[Diagnostic]:
    training, validation = subject.experiment.training, subject.experiment.validation
    every = validation.every if validation else 1  # when a foreign program validates, it alone knows
    start = training.start
    first = start + 1 if one.promise.metric == "train_loss" else min(training.steps, (start // every + 1) * every)
    if training.own_steps > 0 and not first <= one.step <= training.steps:
        shown = _shown(one, subject.resolved.value(key))
        yield subject.finding("E442", f"{shown} is not between step {first:,}, the first that is measured, and step "
                              f"{training.steps:,}, the last", key, also=["steps", "eval.validation.every"])
    elif one.exactly and one.promise.metric != "train_loss" and one.step % every and one.step != training.steps:
        yield subject.finding("E442", f"{one.promise.metric} is measured every {every:,} steps, and {one.step:,} is none of "
                              "them", key, "write `by`, or a multiple", ["eval.validation.every"])
