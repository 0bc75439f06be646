"""The evaluate stage of a foreign program: its own judge run on a checkpoint, the figures that it prints taken as scores.

The result has the form of every evaluation, so that comparison and verdicts treat it alike; it holds no samples, and
therefore no intervals.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.watching import Judge

from ..checkpoint import Found
from ..errors import FAILED, MISUSED, UserError
from . import load
from .child import Child
from .figures import Figures
from .lines import Lines
from .program import Program, fill, placeholder_values
from .saved import refuse_changed, start_from
from .secrets import without_secrets

Say = Callable[[str], None]
UNSAMPLED: dict[str, Any] = {"indicators": {}, "validity": None, "samples": []}
"""What a score of a foreign judge has not."""


def judged(experiment: Experiment, workspace: Path, found: Found, say: Say) -> dict[str, Any]:
    """Scores by suite, and the composite, of one checkpoint. Raises UserError where the judge fails or lacks a score."""
    watching = experiment.watching
    if watching is None or watching.judge is None or watching.checkpoints is None:
        raise UserError(f"{experiment.run} names no program that judges a checkpoint (eval.program)", MISUSED)
    start = start_from(found, watching.checkpoints)
    refuse_changed(found, [Path(start.file)])
    base = load(experiment.training.family).program(experiment, workspace, None)
    values = placeholder_values(workspace, experiment.run, checkpoint=start.file, step=str(start.said))
    program = Program(tuple(fill(watching.judge.run, values)), base.directory, base.environment)
    begun = time.monotonic()
    figures = _run(program, watching.judge, watching.grace, values)
    scores = {suite.name: _score(suite.name, figures) for suite in experiment.evaluation.suites}
    for name, score in scores.items():
        say(f"{name}: {score:.1%}")
    results = {suite.name: {"weight": suite.weight, "score": _exact(scores[suite.name]), **UNSAMPLED}
               for suite in experiment.evaluation.suites}
    total = sum(suite.weight * scores[suite.name] for suite in experiment.evaluation.suites)
    return {"suites": results, "composite": _exact(total), "figures": figures, "device": None,
            "seconds": round(time.monotonic() - begun, 3)}


def _run(program: Program, judge: Judge, grace: float, values: dict[str, str]) -> dict[str, float]:
    """Every figure that the judge gave, the last one of each name."""
    seen: dict[str, float] = {}
    lines = Lines()
    figures = Figures(judge.readers, lambda name: program.directory / fill([name], values)[0],
                      lambda step, kind, found: seen.update(found))

    def output(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        for line in lines.feed(data):
            figures.line(line)

    child = Child(list(program.words), program.directory, program.environment, grace)
    code = child.run(output, figures.files)
    for line in lines.end():
        figures.line(line)
    figures.files()
    if child.stopped_by:
        raise KeyboardInterrupt
    if code:
        tail = "\n".join(f"    {without_secrets(line, program.environment)}" for line in list(lines.last)[-8:])
        raise UserError(f"the program that judges the checkpoint ended with exit code {code}; its last lines:\n{tail}", FAILED)
    return seen


def _score(name: str, figures: dict[str, float]) -> float:
    """A suite's score. Raises UserError where it was not given, or is no share of one."""
    if name not in figures:
        raise UserError(f"the program that judges the checkpoint gave no figure {name}: do the patterns of "
                        "eval.program.metrics fit what it prints?", FAILED)
    value = figures[name]
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise UserError(f"{name} is {value:g}; a suite's score is a share from 0 to 1, or a percentage with its sign", FAILED)
    return value


def _exact(value: float) -> dict[str, float | None]:
    return {"mean": value, "low": None, "high": None}
