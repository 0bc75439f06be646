"""Whether the losses of compared models mean the same: measured on the same data, over the same vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..diagnostics import Diagnostic, listing
from ..lowering.series import meaning
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
    mine = meaning(subject.experiment.training)
    for index, other in enumerate(subject.compared):
        theirs = meaning(other.training)
        differing = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        if differing:
            figures = {"run": other.run, "keys": listing(f"{key} ({theirs.get(key)} / {mine.get(key)})" for key in differing)}
            yield subject.warning("W393", f"eval.compare.{index}.spec", figures, also=["data"])
