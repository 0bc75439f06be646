"""The rate's curve over a run, with or without a parent, and what happens to every rate where the two meet."""

from __future__ import annotations

from ..contract.experiment import Schedule
from ..contract.quantities import parse
from ..contract.schedules import Curve, constant, trapezoid
from ..contract.training import BoundaryRow, ParameterGroup, Resume, Training


def schedule(plain: dict, steps: int, start: int, warmup: int) -> Schedule:
    """The law in the spec's terms; `start` is the step that the run begins at, `warmup` the length of its rise in steps."""
    ratio = parse(plain["warmdown_ratio"], "fraction")
    base = steps if plain["warmdown_of"] == "total" else steps - start
    return Schedule(
        warmup_steps=warmup,
        warmdown_steps=round(ratio * base),
        warmdown_ratio=ratio,
        warmdown_of=plain["warmdown_of"],
        final_fraction=parse(plain["final_fraction"], "fraction"),
        rate_rule=plain.get("rate_rule"),
    )


def law_start(resume: Resume | None) -> int:
    """The step that the law counts from: a run that restarts or is warmed up again begins at its resume step."""
    return resume.step if resume and resume.schedule != "continue" else 0


def rate_curve(law: Schedule, steps: int, resume: Resume | None, parent: Training | None) -> Curve:
    """The multiplier of all peak rates. Where warmup and warmdown do not fit, a constant one: a check refuses it."""
    start = law_start(resume)
    first = 0.0
    if resume and resume.schedule == "rewarm" and parent:
        first = parent.curves["rate"].at(resume.step - 1)
    if law.warmup_steps + law.warmdown_steps > steps - start:
        return constant(1.0, start, max(steps, start + 1))
    return trapezoid(start, steps, law.warmup_steps, law.warmdown_steps, law.final_fraction, first)


def boundary(parent: Training, child: Training, step: int) -> tuple[BoundaryRow, ...]:
    """Each quantity in the parent's last update before `step` and in the child's first one after it."""
    rows = [BoundaryRow("rate", parent.curves["rate"].at(step - 1), child.curves["rate"].at(step))]
    before, last, first = {group.name: group for group in parent.groups}, parent.rates_at(step - 1), child.rates_at(step)
    for group in child.groups:
        rows.append(BoundaryRow(f"rate.{group.name}", last.get(group.name), first[group.name]))
        ends = _decay(parent, group.name, step - 1), _decay(child, group.name, step)
        rows += _group_rows(before.get(group.name), group, *ends)
    old, new = parent.phase_at(step - 1).batch, child.phase_at(step).batch
    for name in ("rows", "accumulation", "ranks", "sequence_length", "tokens"):
        rows.append(BoundaryRow(f"batch.{name}", getattr(old, name), getattr(new, name)))
    return tuple(rows)


def _decay(training: Training, group: str, n: int) -> float:
    """What multiplies a group's weight decay at update n, where it has a curve (`weight_decay.<group>`)."""
    curve = training.curves.get(f"weight_decay.{group}")
    return curve.at(n) if curve else 1.0


def _group_rows(old: ParameterGroup | None, new: ParameterGroup, last: float, first: float) -> list[BoundaryRow]:
    """Decay and momentum; `last` and `first` multiply the decays."""
    rows = []
    if new.weight_decay or (old and old.weight_decay):
        rows.append(BoundaryRow(f"weight_decay.{new.name}", old.weight_decay * last if old else None, new.weight_decay * first))
    if "momentum" in new.options:
        before = old.options.get("momentum") if old else None
        rows.append(BoundaryRow(f"momentum.{new.name}", before, new.options["momentum"]))
    return rows
