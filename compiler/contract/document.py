"""What the design and the results document have in common: experiment and language in, the shared context out.

The context holds the experiment itself and what templates cannot compute: configuration rows with their reasons, the
points of the rate's schedule, prose for differences between the compared models, file names. No measured number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import against, names, quantities, rendering
from .claims import Stated
from .configuration import reasons, rows
from .experiment import Change, Experiment, Remark
from .foreign import program_context
from .guards import FLUSH_STEPS
from .phases import Phase
from .rendering import Words
from .snapshot import training_sha256
from .training import Training

SECTIONS_WITH_NOTES = ("goal", "model", "command", "watch", "data", "batch", "optimizer", "schedule", "phases", "steps",
                       "resume", "checkpoint", "hardware", "launch", "eval", "expect", "scenarios", "guards", "milestones",
                       "claims")
STAGES = ("preflight", "prepare", "train", "evaluate", "compare", "report")


def context(experiment: Experiment, language: str) -> dict[str, Any]:
    """The names that the parts under `templates/documents/parts/` use."""
    words = Words(language, experiment.counted)
    configured, said = tuple(rows(experiment, words)), reasons(experiment, language)
    own = {row.key for row in configured} | {change.key for change in experiment.changes}
    return {
        "experiment": experiment,
        "training": experiment.training,
        "training_sha256": training_sha256(experiment.training),
        "start": experiment.training.start,
        "own_steps": experiment.training.own_steps,
        "own_tokens": own_tokens(experiment.training),
        "rate_factors": lambda phase: _rate_factors(experiment.training, phase, words),
        "rows": configured,
        "points": schedule_points(experiment.training),
        "metric": lambda name: _metric(experiment, name, words),
        "reason": lambda key: said.get(key, ""),
        "factor": factor,
        "beside": against.rows(experiment, words),
        "section_notes": lambda section: _section_notes(experiment, section, own),
        "other_notes": tuple(note for note in experiment.notes if note.about not in own and _section(note) is None),
        "stated": tuple(_stated(experiment, words)),
        "differing": tuple(differing(experiment)),
        "launchers": tuple(names.launcher(experiment, target) for target in experiment.launch.targets),
        "stages": tuple(_stages(experiment)),
        "modules": _largest_first(experiment.predictions.parameters),
        "planned_epochs": next((one for one in experiment.predictions.figures if one.name == "epochs"), None),
        "parameters": sum(experiment.predictions.parameters.values()) or None,
        "memory_parts": _largest_first(experiment.predictions.memory),
        "memory_total": sum(experiment.predictions.memory.values()),
        "names": names,
        "flush_steps": FLUSH_STEPS,
        **program_context(experiment),
    }


def factor(change: Change) -> str:
    """How many times as much it is after a change, where both sides are numbers; a dash elsewhere."""
    try:
        before, after = (quantities.parse(side or "", "count") for side in (change.before, change.after))
    except quantities.NotAQuantity:
        return "–"
    return against.times(before, after)


def _stages(experiment: Experiment) -> Iterator[str]:
    """The stages that have something to do."""
    for stage in STAGES:
        if (stage != "compare" or experiment.evaluation.compare) and (stage != "prepare" or experiment.training.groups):
            yield stage


def _metric(experiment: Experiment, name: str, words: Words) -> str:
    """What a metric is called: a suite's title, a word of ours, or its name as code."""
    titles = {f"eval.{suite.name}": suite.title for suite in experiment.evaluation.suites}
    if name in titles:
        return rendering.inline(rendering.say(titles[name], words.language))
    return words.label("metric", name)


def _largest_first(parts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(parts.items(), key=lambda part: (-part[1], part[0])))


def own_tokens(training: Training) -> int | None:
    """Tokens that the run is to train on itself; None where its batch is not known."""
    own = training.own_served(training.steps)
    return own.tokens if own else None


def _rate_factors(training: Training, phase: Phase, words: Words) -> str:
    """What multiplies the rates in a phase: one factor where all groups share it, else one a group."""
    factors = [phase.rates.get(group.name, 1.0) for group in training.groups]
    if len(set(factors)) == 1:
        return f"× {quantities.significant(factors[0])}"
    named = (f"{words.label('group', group.name)} × {quantities.significant(factor)}"
             for group, factor in zip(training.groups, factors, strict=True))
    return words("list").join(named)


def schedule_points(training: Training) -> tuple[tuple[int, float], ...]:
    """(step, multiplier of the update that starts from it): this run's first and last update, each corner and each
    beginning of a phase between."""
    if "rate" not in training.curves:
        return ()
    curve, first, last = training.curves["rate"], training.start, training.steps - 1
    wanted = {*(step for step, _ in curve.breakpoints()), *(phase.start for phase in training.phases)}
    corners = {step for step in wanted if first < step < last}
    return tuple((step, curve.at(step)) for step in sorted({first, *corners, last}))


def _stated(experiment: Experiment, words: Words) -> Iterator[tuple[str, Stated]]:
    """(what it is about, figure) of everything that is stated of this run and of earlier ones."""
    claims = experiment.claims
    yield from ((words("claims.run"), one) for one in claims.figures)
    for machine in claims.machines:
        count = f"{machine.count} × " if machine.count > 1 else ""
        rows = [words("claims.rows", rows=machine.rows)] if machine.rows else []
        guess = [words("claims.estimated")] if machine.estimated else []
        yield from ((words("list").join([f"{count}{rendering.inline(machine.title)}", *rows, *guess]), one)
                    for one in machine.figures)
    for past in (*claims.losses, *claims.scores):
        step = [words("claims.step", step=quantities.integer(past.step))] if past.step else []
        parent = experiment.training.resume.parent if experiment.training.resume else None
        whose = rendering.code(parent) if past.of == "parent" and parent else rendering.inline(past.of)
        yield words("list").join([whose, *step]), past.figure


def differing(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """(code, figures) of what differs between the compared models: their steps, their parameters."""
    others = experiment.evaluation.compare
    if not others:
        return
    runs = [experiment.run, *(other.run for other in others)]
    steps: list[int | None] = [experiment.training.steps, *(other.step for other in others)]
    parameters = [sum(experiment.predictions.parameters.values()) or None, *(other.parameters for other in others)]
    for name, values in (("steps", steps), ("parameters", parameters)):
        if len(set(values)) > 1:
            pairs = zip(runs, values, strict=True)
            yield f"{name}_differ", ", ".join(f"{run} {quantities.integer(value)}" for run, value in pairs)


def _section(note: Remark) -> str | None:
    section = note.about.partition(".")[0]
    return section if section in SECTIONS_WITH_NOTES else None


def _section_notes(experiment: Experiment, section: str, told: set[str]) -> tuple[Remark, ...]:
    """Notes on a section that no row or change of the tables carries already."""
    return tuple(note for note in experiment.notes if note.about not in told and _section(note) == section)
