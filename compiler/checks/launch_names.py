"""Whether the launchers of this experiment and of those it refers to have names of their own."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract import names
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "E360",
        "Two experiments would write the same launcher, or share a run's folder",
        "Launchers are files of `generated/`, runs folders of `runs/`: an inherited `launch.name` or `name` would "
        "overwrite the other experiment's. Give the heir its own.",
        wrong="extends: parent.yaml\nname: child\nresume: {from: parent.yaml, step: 1000}\nsteps: 2000\n"
              "launch: {name: train_parent}",
        right="extends: parent.yaml\nname: child\nresume: {from: parent.yaml, step: 1000}\nsteps: 2000",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names against those of the parent and the compared experiments."""
    mine = subject.experiment
    if mine.series and names.series_launcher(mine) == names.launcher(mine, "bash"):
        yield subject.finding("E360", f'"{mine.launch.name}" is also the launcher of the series {mine.series.name}',
                              "launch.name", "one would overwrite the other: give one of them another name", ["series.name"])
    others = {one.run: one for one in (subject.parent, *subject.compared) if one is not None}
    for other in others.values():
        if other.run == mine.run:
            yield subject.finding("E360", f'"{mine.name}" is also the name of an experiment it refers to', "name",
                                  "its runs would share one folder")
        elif other.launch.name == mine.launch.name:
            yield subject.finding("E360", f'"{mine.launch.name}" is also the launcher of {other.run}', "launch.name",
                                  "give this experiment its own launch.name")
