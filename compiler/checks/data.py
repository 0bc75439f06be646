"""Whether the data section names what its source needs, and nothing that its source ignores."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.families import gpt, meloformer
from ..contract.quantities import percent
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "E302",
        "The data source lacks its own key, or is given the other one's",
        "`source: synthetic` generates `pieces` pieces; `source: folder` reads the files below `path`. A key of the "
        "other source would be ignored, so it is refused.",
        wrong="data: {source: folder, pieces: 3000, path: null}",
        right="data: {source: synthetic, pieces: 3000}",
    ),
    entry(
        "E307",
        "Nothing is left to train on, or to validate on",
        "`data.valid_fraction` parts the data in two: what is held out is validated on, the rest is trained on. Both need "
        "some of it, and one piece cannot be parted.",
        wrong="data: {source: synthetic, pieces: 3000, valid_fraction: 100%}",
        right="data: {source: synthetic, pieces: 3000, valid_fraction: 5%}",
    ),
)
_NEEDS = {"synthetic": ("pieces", "path"), "folder": ("path", "pieces")}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The parts of the data; the source against its keys."""
    yield from _parted(subject)
    if not isinstance(config := subject.experiment.training.config, (gpt.Config, meloformer.Config)):
        return
    data = config.data
    needed, foreign = _NEEDS[data.source]
    if getattr(data, needed) is None:
        yield subject.finding("E302", f"source {data.source} needs {needed}", "data.source", f"add data.{needed}")
    if getattr(data, foreign) is not None:
        yield subject.finding("E302", f"source {data.source} does not use {foreign}", f"data.{foreign}",
                              f"delete it (in an inheriting spec: `{foreign}: null`)", ["data.source"])


def _parted(subject: Subject) -> Iterator[Diagnostic]:
    """Whether both parts hold something, in the families that part their data by a fraction."""
    data = getattr(subject.experiment.training.config, "data", None)
    fraction, pieces = getattr(data, "valid_fraction", None), getattr(data, "pieces", None)
    if fraction is None or getattr(data, "source", None) == "ready":
        return
    if fraction in (0, 1):
        what = "validate" if fraction == 0 else "train"
        yield subject.finding("E307", f"{percent(fraction, 0)} held out leaves nothing to {what} on", "data.valid_fraction",
                              "hold out a small share, such as 5%")
    elif pieces is not None and pieces < 2:
        yield subject.finding("E307", "one piece cannot be parted into one to train on and one to validate on", "data.pieces",
                              "generate more pieces")
