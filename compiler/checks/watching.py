"""Whether a foreign program's figures and checkpoints can be read as its spec says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.command_line import PLACEHOLDER
from ..contract.conditions import Event, parse
from ..contract.watching import Reader
from ..diagnostics import Diagnostic, listing
from .subject import Subject

_PROGRAM = "extends: program.yaml\n"
_SUITES = "  suites: {accuracy: {title: Accuracy, weight: 100%}}\n"
CODES = (
    entry(
        "E460",
        "A reader of figures that cannot read any",
        "An entry of `metrics` is a regular expression with named groups (`line`), or a source of JSON lines with the names of "
        "its figures (`json` and `names`). A group is called as the figure is: `(?P<loss>\\S+)`.",
        wrong=_PROGRAM + "watch: {metrics: [{line: 'step (\\d+) loss (\\S+)'}]}",
        right=_PROGRAM + "watch: {metrics: [{line: 'step (?P<step>\\d+) loss (?P<loss>\\S+)'}]}",
    ),
    entry(
        "E461",
        "No reader knows the step",
        "Progress, checkpoints and the end of the run are counted in steps. At least one reader of training figures has to "
        "read `step`.",
        wrong=_PROGRAM + "watch: {metrics: [{line: 'loss (?P<loss>\\S+)'}]}",
        right=_PROGRAM + "watch: {metrics: [{line: 'step (?P<step>\\d+) loss (?P<loss>\\S+)'}]}",
    ),
    entry(
        "E462",
        "Checkpoints whose step cannot be told",
        "The name of a checkpoint says which step it is of: put {step} where the number stands. And `checkpoint.every` says "
        "how often the program saves, so that other experiments know which checkpoints there are.",
        wrong=_PROGRAM + "watch: {checkpoints: {path: out/last.pt}}",
        right=_PROGRAM + "watch: {checkpoints: {path: 'out/step_{step}.pt'}}",
    ),
    entry(
        "E463",
        "Scores that nobody gives",
        "The suites of a foreign program are figures that `eval.program` prints for a checkpoint. So suites need that program, "
        "the program a checkpoint to judge, and each suite a reader of its name.",
        wrong=_PROGRAM + "eval:\n" + _SUITES,
        right=_PROGRAM + "eval:\n" + _SUITES +
        "  program: {run: [python, judge.py, '{checkpoint}'], metrics: [{line: 'accuracy (?P<accuracy>\\S+)'}]}",
    ),
    entry(
        "E464",
        "A foreign program cannot go on from there",
        "Resuming hands a checkpoint of the parent to the program. Both have to be foreign programs, and both have to say "
        "what their checkpoints are called (`watch.checkpoints`).",
        wrong=_PROGRAM + "resume: {from: parent.yaml, step: 1000}\nsteps: 2000",
        right=_PROGRAM + "name: longer\nresume: {from: program.yaml, step: 1000}\nsteps: 2000",
    ),
    entry(
        "E465",
        "A guard that a foreign program cannot obey",
        "A program that knows nothing of expc can be warned about and stopped. It cannot be rolled back to other rates, and "
        "what goes on inside of it (its memory, its data loader) is not seen.",
        wrong=_PROGRAM + "guards: [{when: loss > 10, then: roll_back}]",
        right=_PROGRAM + "guards: [{when: loss > 10, then: stop}]",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Readers, checkpoints, judge and parent of a foreign program."""
    watching = subject.experiment.watching
    if watching is None:
        return
    for index, reader in enumerate(watching.readers):
        yield from _reader(subject, reader, f"watch.metrics.{index}")
    if not any("step" in reader.named and reader.kind == "train" for reader in watching.readers):
        yield subject.finding("E461", "no reader of training figures reads the step", "watch.metrics",
                              "add a group (?P<step>\\d+), or step to the names")
    if watching.finished is not None and (problem := _problem(watching.finished)):
        yield subject.finding("E460", f"this is no regular expression: {problem}", "watch.finished")
    yield from _checkpoints(subject)
    yield from _judge(subject)
    for index, guard in enumerate(subject.experiment.guards):
        condition = parse(guard.when)
        if guard.action.kind not in ("stop", "warn"):
            yield subject.finding("E465", f"{guard.action.kind} is nothing that a foreign program can be made to do",
                                  f"guards.{index}.then", "there are stop and warn")
        elif isinstance(condition, Event) and condition.kind != "no progress":
            yield subject.finding("E465", f"{condition.kind} is not seen from outside of a program", f"guards.{index}.when",
                                  "there are its figures, and no progress for a time")
    resume, parent = subject.experiment.training.resume, subject.parent
    savers = [one for one in (subject.experiment, parent) if one and one.watching and one.watching.checkpoints]
    if resume and parent and len(savers) < 2:
        yield subject.finding("E464", f"{resume.parent} has no checkpoint that this program could go on from", "resume.from",
                              "both need watch.checkpoints")


def _reader(subject: Subject, reader: Reader, key: str) -> Iterator[Diagnostic]:
    if (reader.line is None) == (reader.json is None):
        yield subject.finding("E460", "a reader has either line or json", key, "say which of the two it is")
    elif reader.line is not None and (problem := _problem(reader.line)):
        yield subject.finding("E460", f"this is no regular expression: {problem}", f"{key}.line")
    elif not reader.figures:
        yield subject.finding("E460", "this names no figure", key, "name the groups, such as (?P<loss>\\S+)"
                              if reader.line is not None else "say under names which figure is where")
    elif reader.line is not None and reader.names:
        yield subject.finding("E460", "names belongs to json; a pattern names its own groups", f"{key}.names")
    elif odd := [name for name in reader.named if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]:
        yield subject.finding("E460", f"the figure {odd[0]} is not in lower-case letters, digits and underscores", key)


def _problem(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return None


def _checkpoints(subject: Subject) -> Iterator[Diagnostic]:
    watching = subject.experiment.watching
    if watching is None or watching.checkpoints is None:
        return
    if "step" not in PLACEHOLDER.findall(watching.checkpoints.path):
        yield subject.finding("E462", "this name is the same for every step", "watch.checkpoints.path",
                              "put {step} where the number stands")
    if subject.resolved.value("checkpoint.every") is None:
        yield subject.finding("E462", "nothing says how often the program saves", "watch.checkpoints",
                              "state checkpoint.every, and hand it over as ${checkpoint.every}")


def _judge(subject: Subject) -> Iterator[Diagnostic]:
    watching, suites = subject.experiment.watching, subject.experiment.evaluation.suites
    assert watching is not None
    if watching.judge is None:
        if suites:
            yield subject.finding("E463", "no program gives these scores", "eval.suites", "add eval.program")
        return
    for index, reader in enumerate(watching.judge.readers):
        yield from _reader(subject, reader, f"eval.program.metrics.{index}")
    if watching.checkpoints is None:
        yield subject.finding("E463", "there are no checkpoints to judge", "eval.program", "add watch.checkpoints")
    figures = [name for reader in watching.judge.readers for name in reader.figures]
    for suite in suites:
        if suite.name not in figures:
            yield subject.finding("E463", f"no reader of eval.program reads {suite.name}", f"eval.suites.{suite.name}",
                                  f"there are {listing(figures)}" if figures else None, ["eval.program.metrics"])
    if not suites:
        yield subject.finding("E463", "no suite takes what this program gives", "eval.program",
                              "add eval.suites, each with the name of a figure")
