"""The configuration table of both documents: every setting by its key in a spec, its value in words, and its reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from . import quantities, rendering
from .command_line import text
from .experiment import Experiment
from .foreign import listed
from .record import dataclass
from .rendering import Words


@dataclass(frozen=True)
class Row:
    """One line of the configuration table, in Markdown; `reason` holds the author's words and what can be computed."""

    key: str
    label: str
    value: str
    reason: str


def reasons(experiment: Experiment, language: str) -> dict[str, str]:
    """What the author says, as Markdown, by the very key that it is about."""
    found: dict[str, list[str]] = {}
    for note in experiment.notes:
        found.setdefault(note.about, []).append(rendering.inline(rendering.say(note.text, language)))
    return {about: "<br>".join(texts) for about, texts in found.items()}


def rows(experiment: Experiment, words: Words) -> Iterator[Row]:
    """The table's lines, in a spec's reading order; optimizer groups have a table of their own."""
    facts, said = _facts(experiment), reasons(experiment, words.language)
    for key, value in _values(experiment).items():
        if value is None:
            continue
        explained = f"explain.{key}"
        told = [said.get(key, ""), words(explained, **facts) if value and explained in words else ""]
        yield Row(key, words.label("key", key), _shown(key, value, words), "<br>".join(text for text in told if text))


def _values(experiment: Experiment) -> dict[str, Any]:
    """Every setting by its key."""
    training, hardware = experiment.training, experiment.hardware
    values: dict[str, Any] = {"model.family": training.family}
    for section in dataclasses.fields(training.config):
        values |= _fields(section.name, getattr(training.config, section.name))
    if batch := training.batch:
        values |= {"batch.rows": batch.rows, "batch.accumulation": batch.accumulation, "batch.ranks": batch.ranks,
                   "batch.total_tokens": batch.tokens}
    workers = {one.workers for one in experiment.loading.values()}
    values |= {"batch.workers": workers.pop() if len(workers) == 1 else None}  # else the phases' table tells
    values |= {"optimizer.gradient_clip": training.gradient_clip} | _fields("schedule", experiment.schedule)
    values |= {"steps": training.steps, "seed": training.seed, "precision": training.precision,
               "compile": training.compile if training.groups else None}
    if training.resume:
        values |= {"resume.from": training.resume.parent, "resume.step": training.resume.step}
    if training.resume and training.groups:
        values |= {"resume.optimizer": training.resume.optimizer, "resume.schedule": training.resume.schedule}
    kept = experiment.checkpoint.keep_best
    if experiment.watching is None:
        values |= _fields("checkpoint", dataclasses.replace(experiment.checkpoint, keep_best=None)) | {
            "checkpoint.keep_best": kept and f"{kept.count} ({kept.metric})"}
    elif experiment.watching.checkpoints:
        values |= {"checkpoint.every": experiment.checkpoint.every}
    if said := experiment.validation:
        values |= {"eval.validation.every": said.every, "eval.validation.batches": said.batches}
    price = hardware.price_per_hour and quantities.significant(hardware.price_per_hour) + f" {hardware.currency or ''}"
    return values | {"hardware.target": hardware.title, "hardware.count": hardware.count,
                     "hardware.memory_budget": hardware.memory_budget, "hardware.price_per_hour": price}


def _fields(prefix: str, settings: Any) -> dict[str, Any]:
    """Settings by key, those of a mapping or a part below its name. A field marked `beside` is no section of a spec: what
    it holds is told of beside the others. One marked `sentences` holds texts of several words, one marked `range` two ends."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(settings) if settings else ():
        value, key = getattr(settings, field.name), f"{prefix}.{field.name}"
        if dataclasses.is_dataclass(value):
            found |= _fields(prefix if field.metadata.get("beside") else key, value)
        elif isinstance(value, dict):
            found |= {f"{key}.{name}": listed(one) for name, one in value.items()}
        else:
            found[key] = _several(value, field.metadata)
    return found


def _several(value: Any, marks: Mapping[str, Any]) -> Any:
    if marks.get("sentences"):
        return " / ".join(value)
    return " … ".join(map(_number, value)) if marks.get("range") else listed(value)


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else quantities.significant(value)


def _shown(key: str, value: Any, words: Words) -> str:
    if key.startswith(("command.flags.", "command.env.")):  # as the program will read it
        return rendering.code(text(value) or '""')
    if isinstance(value, bool):
        return words("yes") if value else words("no")
    if key.endswith("memory_budget"):
        return quantities.size(value)
    if key in ("seed", "data.seed"):
        return str(value)
    if isinstance(value, int):
        return quantities.integer(value)
    if isinstance(value, float):
        return _number(value)
    chosen = f"choice.{key}.{value}"
    if chosen not in words:
        return rendering.inline(str(value))
    return rendering.code(str(value)) + words("paren", text=words(chosen))


def _facts(experiment: Experiment) -> dict[str, str]:
    """Numbers that the explanations of the configuration table compute with, already formatted."""
    training = experiment.training
    model = getattr(training.config, "model", None)
    public = {name: getattr(model, name) for name in dir(model) if not name.startswith("_")}
    numbers = {name: value for name, value in public.items() if isinstance(value, (int, float))}
    if training.batch:
        numbers |= {field.name: getattr(training.batch, field.name) for field in dataclasses.fields(training.batch)}
    numbers |= {"steps": training.steps, "own_steps": training.own_steps, "start": training.start}
    if experiment.schedule:
        numbers |= {"warmdown_steps": experiment.schedule.warmdown_steps,
                    "warmdown_start": training.steps - experiment.schedule.warmdown_steps}
    return {name: f"{value:,}" for name, value in numbers.items()}
