"""The rate schedule as SVG: a curve in, text with fixed decimals out, the same bytes on every machine."""

from __future__ import annotations

import functools

from ..contract import quantities, rendering
from ..contract.experiment import Experiment
from ..contract.schedules import Curve

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 260, 56, 20, 16, 46
SAMPLES = 96


def render_schedule(experiment: Experiment, language: str) -> str:
    """The multiplier of all peak rates over this run's steps, with the parent's last value where it was resumed."""
    training = experiment.training
    before = next((row.before for row in experiment.boundary if row.name == "rate"), None)
    return _drawn(training.curves["rate"], training.start, training.steps, before, language)


@functools.lru_cache(64)  # the runs of a series share their schedule
def _drawn(curve: Curve, first: int, last: int, before: float | None, language: str) -> str:

    def x(step: float) -> str:
        return f"{LEFT + (step - first) / (last - first) * (WIDTH - LEFT - RIGHT):.1f}"

    def y(value: float) -> str:
        return f"{HEIGHT - BOTTOM - value / 1.05 * (HEIGHT - TOP - BOTTOM):.1f}"

    corners = [step for step, _ in curve.breakpoints() if first < step < last]
    sampled = [first + (last - 1 - first) * index // SAMPLES for index in range(SAMPLES + 1)]
    points = " ".join(f"{x(step)},{y(curve.at(step))}" for step in sorted({*corners, *sampled}))
    context = {
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM,
        "points": points,
        "steps": [(x(step), quantities.integer(step)) for step in _spread([first, *corners, last])],
        "shares": [(y(share / 4), f"{share / 4:.2f}") for share in range(5)],
        "before": None if before is None else (x(first), y(before), quantities.significant(before)),
    }
    return rendering.render("documents/schedule.svg.j2", context, language)


def _spread(steps: list[int]) -> list[int]:
    """The steps to write below the axis: those that stand too near to their neighbour for their labels are left out."""
    room = (steps[-1] - steps[0]) / 12
    shown = [steps[0]]
    for step in steps[1:-1]:
        if step - shown[-1] >= room and steps[-1] - step >= room:
            shown.append(step)
    return [*shown, steps[-1]]
