"""What the design and the results document have in common: experiment and language in, the shared context out.

The context holds the experiment itself and what templates cannot compute: configuration rows with their reasons, the
points of the rate's schedule, prose for differences between the compared models, file names. No measured number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import names, quantities, rendering
from .experiment import Experiment, Remark
from .phases import Phase
from .rendering import Words
from .snapshot import training_sha256
from .training import Training

SECTIONS_WITH_NOTES = ("goal", "model", "data", "batch", "optimizer", "schedule", "phases", "steps", "resume", "checkpoint",
                       "hardware", "launch", "eval", "expect", "scenarios")
STAGES = ("preflight", "prepare", "train", "evaluate", "compare", "report")


@dataclass(frozen=True)
class Row:
    """One line of the configuration table, in Markdown; `reason` holds the author's words and what can be computed."""

    key: str
    label: str
    value: str
    reason: str


def context(experiment: Experiment, language: str) -> dict[str, Any]:
    """The names that the parts under `templates/documents/parts/` use."""
    words = Words(language)
    rows = tuple(_rows(experiment, words))
    own = {row.key for row in rows} | {change.key for change in experiment.changes}
    return {
        "experiment": experiment,
        "training": experiment.training,
        "training_sha256": training_sha256(experiment.training),
        "start": experiment.training.start,
        "own_steps": experiment.training.own_steps,
        "own_tokens": own_tokens(experiment.training),
        "rate_factors": lambda phase: _rate_factors(experiment.training, phase, words),
        "rows": rows,
        "points": schedule_points(experiment.training),
        "metric": lambda name: _metric(experiment, name, words),
        "reason": lambda key: reason(experiment, key, language),
        "section_notes": lambda section: _section_notes(experiment, section, own),
        "other_notes": tuple(note for note in experiment.notes if note.about not in own and _section(note) is None),
        "differing": tuple(differing(experiment)),
        "launchers": tuple(names.launcher(experiment, target) for target in experiment.launch.targets),
        "stages": tuple(stage for stage in STAGES if stage != "compare" or experiment.evaluation.compare),
        "modules": _largest_first(experiment.predictions.parameters),
        "parameters": sum(experiment.predictions.parameters.values()) or None,
        "memory_parts": _largest_first(experiment.predictions.memory),
        "memory_total": sum(experiment.predictions.memory.values()),
        "names": names,
    }


def _metric(experiment: Experiment, name: str, words: Words) -> str:
    """What a metric is called: a suite's title, a word of ours, or its name as code."""
    titles = {f"eval.{suite.name}": suite.title for suite in experiment.evaluation.suites}
    if name in titles:
        return rendering.inline(rendering.say(titles[name], words.language))
    return words.label("metric", name)


def _largest_first(parts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(parts.items(), key=lambda part: (-part[1], part[0])))


def own_tokens(training: Training) -> int:
    """Tokens that the run is to train on itself."""
    return training.served(training.steps).tokens - training.served(training.start).tokens


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
    curve, first, last = training.curves["rate"], training.start, training.steps - 1
    wanted = {*(step for step, _ in curve.breakpoints()), *(phase.start for phase in training.phases)}
    corners = {step for step in wanted if first < step < last}
    return tuple((step, curve.at(step)) for step in sorted({first, *corners, last}))


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


def reason(experiment: Experiment, key: str, language: str) -> str:
    """What the author says about exactly this key, as Markdown; empty where nothing is said."""
    notes = (note for note in experiment.notes if note.about == key)
    return "<br>".join(rendering.inline(rendering.say(note.text, language)) for note in notes)


def _section(note: Remark) -> str | None:
    section = note.about.partition(".")[0]
    return section if section in SECTIONS_WITH_NOTES else None


def _section_notes(experiment: Experiment, section: str, told: set[str]) -> tuple[Remark, ...]:
    """Notes on a section that no row or change of the tables carries already."""
    return tuple(note for note in experiment.notes if note.about not in told and _section(note) == section)


def _rows(experiment: Experiment, words: Words) -> Iterator[Row]:
    facts = _facts(experiment)
    for key, value in _values(experiment).items():
        if value is None:
            continue
        explained = f"explain.{key}"
        told = [reason(experiment, key, words.language), words(explained, **facts) if explained in words else ""]
        yield Row(key, words.label("key", key), _shown(key, value, words), "<br>".join(text for text in told if text))


def _values(experiment: Experiment) -> dict[str, Any]:
    """Every setting by its key in a spec, in reading order; optimizer groups have a table of their own."""
    training, hardware = experiment.training, experiment.hardware
    values: dict[str, Any] = {"model.family": training.family}
    for section in dataclasses.fields(training.config):
        values |= _fields(section.name, getattr(training.config, section.name))
    batch = training.batch
    values |= {"batch.rows": batch.rows, "batch.accumulation": batch.accumulation, "batch.ranks": batch.ranks,
               "batch.total_tokens": batch.tokens, "optimizer.gradient_clip": training.gradient_clip}
    values |= _fields("schedule", experiment.schedule) | {"steps": training.steps, "seed": training.seed,
                                                          "precision": training.precision, "compile": training.compile}
    if training.resume:
        values |= {"resume.from": training.resume.parent, "resume.step": training.resume.step,
                   "resume.optimizer": training.resume.optimizer, "resume.schedule": training.resume.schedule}
    values |= _fields("checkpoint", experiment.checkpoint) | _fields("eval.validation", experiment.validation)
    price = hardware.price_per_hour and quantities.significant(hardware.price_per_hour) + f" {hardware.currency or ''}"
    return values | {"hardware.target": hardware.title, "hardware.count": hardware.count,
                     "hardware.memory_budget": hardware.memory_budget, "hardware.price_per_hour": price}


def _fields(prefix: str, settings: Any) -> dict[str, Any]:
    return {f"{prefix}.{field.name}": getattr(settings, field.name) for field in dataclasses.fields(settings)}


def _shown(key: str, value: Any, words: Words) -> str:
    if isinstance(value, bool):
        return words("yes") if value else words("no")
    if key.endswith("memory_budget"):
        return quantities.size(value)
    if key in ("seed", "data.seed"):
        return str(value)
    if isinstance(value, int):
        return quantities.integer(value)
    if isinstance(value, float):
        return f"{int(value):,}" if value == int(value) else quantities.significant(value)
    chosen = f"choice.{key}.{value}"
    if chosen not in words:
        return rendering.inline(str(value))
    return rendering.code(str(value)) + words("paren", text=words(chosen))


def _facts(experiment: Experiment) -> dict[str, str]:
    """Numbers that the explanations of the configuration table compute with, already formatted."""
    training = experiment.training
    model = training.config.model
    public = {name: getattr(model, name) for name in dir(model) if not name.startswith("_")}
    numbers = {name: value for name, value in public.items() if isinstance(value, (int, float))}
    numbers |= {field.name: getattr(training.batch, field.name) for field in dataclasses.fields(training.batch)}
    numbers |= {"steps": training.steps, "own_steps": training.own_steps, "start": training.start,
                "warmdown_steps": experiment.schedule.warmdown_steps,
                "warmdown_start": training.steps - experiment.schedule.warmdown_steps}
    return {name: f"{value:,}" for name, value in numbers.items()}
