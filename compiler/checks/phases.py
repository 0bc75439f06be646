"""Whether every phase is reached, names what there is, fits the model, and says what rates do under another batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ..codes.entry import entry
from ..diagnostics import Diagnostic, listing, nearest
from ..families import family
from .subject import Subject

CODES = (
    entry(
        "E412",
        "The batch changes, and nothing says what becomes of the rates",
        "A rate belongs to a batch: with six times the tokens an update, the same rate moves the weights a sixth as far for "
        "every token. `schedule.rate_rule` says what is meant: `keep` the rates, `linear` or `sqrt` with the tokens.",
        wrong="phases: [{name: small, to: 200, batch: {rows: 2}}]",
        right="phases: [{name: small, to: 200, batch: {rows: 2}}]\nschedule: {rate_rule: sqrt}",
    ),
    entry(
        "W413",
        "The run never comes to a phase",
        "The run ends before the phase begins, or a parent's checkpoint is already behind it. A smoke run that never enters "
        "a phase says nothing about it: give its profile phases that fit its length.",
        wrong="steps: 100\nschedule: {warmup_steps: 10}\nphases: [{name: first, to: 500, rate: 50%}, {name: second, rate: 1}]",
        right="steps: 100\nschedule: {warmup_steps: 10}\nphases: [{name: first, to: 50, rate: 50%}, {name: second, rate: 1}]",
    ),
    entry(
        "E414",
        "A phase names what there is not",
        "`rates` and `frozen` take names of the family's parameter groups, `losses` those of its losses. What cannot be "
        "found cannot be changed, and freezing everything would leave nothing to train.",
        wrong="phases: [{name: warm, to: 200, frozen: [embeding]}]",
        right="phases: [{name: warm, to: 200, frozen: [embedding]}]",
    ),
    entry(
        "E415",
        "A phase's rows are longer than the model's",
        "The model was built for `model.sequence_length` tokens; a phase may train on shorter rows, not on longer ones.",
        wrong="phases: [{name: long, to: 200, batch: {sequence_length: 4096}}]\nschedule: {rate_rule: keep}",
        right="phases: [{name: short, to: 200, batch: {sequence_length: 128}}]\nschedule: {rate_rule: keep}",
    ),
    entry(
        "E418",
        "Two phases of one name",
        "Documents, metrics and guards call a phase by its name; `whole` and `rest` are the names of what no phase covers.",
        wrong="phases: [{name: warm, to: 200, rate: 50%}, {name: warm, rate: 1}]",
        right="phases: [{name: warm, to: 200, rate: 50%}, {name: full, rate: 1}]",
    ),
    entry(
        "W419",
        "A phase cuts the data anew in the midst of an epoch",
        "Rows of another length are drawn in an order of their own, which does not know what the epoch under way has served: "
        "in that epoch some tokens are served twice and others not at all. From the next epoch on each is served once.",
        wrong="phases: [{name: short, to: 200, batch: {sequence_length: 128}}]\nschedule: {rate_rule: keep}",
        right="phases: [{name: small, to: 200, batch: {rows: 2}}]\nschedule: {rate_rule: keep}",
    ),
)
RESERVED = ("whole", "rest")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each phase of the spec, in order."""
    said = subject.resolved.value("phases") or []
    for index, one in enumerate(said):
        key = f"phases.{index}"
        yield from _name(subject, key, one["name"], [other["name"] for other in said[:index]])
        yield from _reached(subject, key, one["name"])
        yield from _names(subject, key, one)
    yield from _batches(subject, {one["name"]: f"phases.{index}" for index, one in enumerate(said)})


def _name(subject: Subject, key: str, name: str, before: list[str]) -> Iterator[Diagnostic]:
    if name in before or name in RESERVED:
        yield subject.finding("E418", f"the name {name} is taken", f"{key}.name")


def _reached(subject: Subject, key: str, name: str) -> Iterator[Diagnostic]:
    training = subject.experiment.training
    if training.own_steps > 0 and name not in {phase.name for phase in training.phases}:
        figures = {"name": name, "start": f"{training.start:,}", "steps": f"{training.steps:,}"}
        where = f"{key}.from" if subject.resolved.node(f"{key}.from") else f"{key}.name"
        yield subject.warning("W413", where, figures, "give it a range that the run comes to, or take it out", ["steps"])


def _names(subject: Subject, key: str, said: dict[str, Any]) -> Iterator[Diagnostic]:
    training = subject.experiment.training
    groups = [group.name for group in training.groups]
    losses = family(training.family).LOSSES
    wanted = [(f"{key}.rates.{name}", name, groups, "parameter group") for name in said.get("rates", {})]
    wanted += [(f"{key}.frozen.{i}", name, groups, "parameter group") for i, name in enumerate(said.get("frozen", []))]
    wanted += [(f"{key}.losses.{name}", name, losses, "loss") for name in said.get("losses", {})]
    for place, name, there, what in wanted:
        if name not in there:
            near = nearest(name, there)
            yield subject.finding("E414", f"there is no {what} {name} in {training.family}", place,
                                  f'did you mean "{near}"?' if near else f"there are: {listing(there) or 'none'}")
    if set(said.get("frozen", [])) >= set(groups):
        yield subject.finding("E414", "every parameter group is frozen, nothing would be trained", f"{key}.frozen")


def _batches(subject: Subject, keys: dict[str, str]) -> Iterator[Diagnostic]:
    training, law = subject.experiment.training, subject.experiment.schedule
    if law is None or training.batch is None:
        return
    for before, phase in pairwise(training.phases):
        if phase.batch.sequence_length != before.batch.sequence_length:
            figures = {"name": phase.name, "length": f"{phase.batch.sequence_length:,}",
                       "before": f"{before.batch.sequence_length:,}"}
            key = next((keys[one.name] for one in (phase, before) if one.name in keys), "phases")
            yield subject.warning("W419", f"{key}.batch.sequence_length", figures)
    for phase in training.phases:
        key, own = f"{keys.get(phase.name)}.batch", training.batch
        if phase.batch.sequence_length > own.sequence_length:
            yield subject.finding("E415", f"rows of {phase.batch.sequence_length:,} tokens, the model has "
                                  f"{own.sequence_length:,}", f"{key}.sequence_length", also=["model.sequence_length"])
        if phase.batch.tokens != own.tokens and law.rate_rule is None:
            yield subject.finding(
                "E412", f"{phase.name} has {phase.batch.tokens:,} tokens an update, the spec's own batch {own.tokens:,} "
                f"(x {phase.batch.tokens / own.tokens:.3g}), and schedule.rate_rule is not set", key,
                "set schedule.rate_rule to keep, linear or sqrt", ["batch"])
