"""Whether the losses of compared models mean the same: measured on the same data, over the same vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.codec import to_plain
from ..contract.experiment import Experiment
from ..diagnostics import Diagnostic, listing
from ..differences import leaves
from ..estimate import figure
from .subject import Subject

CODES = (
    entry(
        "W393",
        "The losses of compared models do not mean the same",
        "A loss per token depends on the vocabulary and on what was held out. A model of other data or another vocabulary "
        "can be compared by the suites, but not by its loss.",
        wrong="eval: {compare: [{spec: parent.yaml, step: 1000}]}\ndata: {seed: 9}",
        right="eval: {compare: [{spec: parent.yaml, step: 1000}]}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Data and chance level of each compared experiment against those of this one."""
    mine = _meaning(subject.experiment)
    for index, other in enumerate(subject.compared):
        theirs = _meaning(other)
        differing = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        if differing:
            figures = {"run": other.run, "keys": listing(f"{key} ({theirs.get(key)} / {mine.get(key)})" for key in differing)}
            yield subject.warning("W393", f"eval.compare.{index}.spec", figures, also=["data"])


def _meaning(experiment: Experiment) -> dict[str, object]:
    """What decides the meaning of a loss, by name."""
    chance = figure(experiment.predictions, "chance_loss")
    data = to_plain(experiment.training.config).get("data", {})
    return {"ln V": round(chance.value, 3) if chance and chance.value else None, **dict(leaves(data, "data"))}
