"""Whether the data section names what its source needs, and nothing that its source ignores."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.families import gpt, meloformer
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
)
_NEEDS = {"synthetic": ("pieces", "path"), "folder": ("path", "pieces")}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The source against its keys."""
    if not isinstance(config := subject.experiment.training.config, (gpt.Config, meloformer.Config)):
        return
    data = config.data
    needed, foreign = _NEEDS[data.source]
    if getattr(data, needed) is None:
        yield subject.finding("E302", f"source {data.source} needs {needed}", "data.source", f"add data.{needed}")
    if getattr(data, foreign) is not None:
        yield subject.finding("E302", f"source {data.source} does not use {foreign}", f"data.{foreign}",
                              f"delete it (in an inheriting spec: `{foreign}: null`)", ["data.source"])
