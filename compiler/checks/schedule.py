"""Whether warmup and warmdown fit into the run, and checkpoints and validation fall inside it."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..diagnostics import Diagnostic
from ..lowering.rates import law_start
from .subject import Subject

CODES = (
    entry(
        "E305",
        "Warmup and warmdown do not fit into the run",
        "The rate first rises over `schedule.warmup_steps` updates and falls over the last `schedule.warmdown_ratio` of "
        "the run. Together they cannot take longer than the law has: all steps, or for a run that restarts or is warmed "
        "up again, the steps after the resume step.",
        wrong="steps: 1000\nschedule: {warmup_steps: 900, warmdown_ratio: 25%, warmdown_of: total, final_fraction: 5%}",
        right="steps: 1000\nschedule: {warmup_steps: 40, warmdown_ratio: 25%, warmdown_of: total, final_fraction: 5%}",
    ),
    entry(
        "W306",
        "A period is longer than the run",
        "Checkpoints or validations are asked for at an interval that the run never reaches. The last step is always "
        "saved and validated, so nothing is lost, but nothing happens before it either.",
        wrong="steps: 1000\ncheckpoint: {every: 5000}",
        right="steps: 1000\ncheckpoint: {every: 500}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The law's two ramps and the two periods against the steps there are."""
    experiment = subject.experiment
    law, training = experiment.schedule, experiment.training
    if law is None or experiment.validation is None:
        return
    room = training.steps - law_start(training.resume)
    if law.warmup_steps + law.warmdown_steps > room > 0:
        yield subject.finding(
            "E305", f"warmup {law.warmup_steps:,} + warmdown {law.warmdown_steps:,} steps ({law.warmdown_ratio:.0%} of "
            f"{law.warmdown_of}) are more than the {room:,} steps there are", "schedule",
            also=["schedule.warmup_steps", "schedule.warmdown_ratio", "steps"])
    own = training.own_steps
    for key, every in (("checkpoint.every", experiment.checkpoint.every),
                       ("eval.validation.every", experiment.validation.every)):
        if every > own > 0:
            yield subject.warning("W306", key, {"every": f"{every:,}", "own": f"{own:,}"}, "only the last step will do",
                                  ["steps"])
