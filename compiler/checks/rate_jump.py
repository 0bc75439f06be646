"""Whether the rate is continuous where a resumed run takes over from its parent."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.quantities import percent
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "W313",
        "The rate jumps at the resume step",
        "A parent that was warmed down ends at a fraction of its peak rate. Going on at full rate in the next update "
        "throws the loss up, often above where it was thousands of steps before. `resume.schedule: rewarm` rises from "
        "the parent's last rate over `schedule.warmup_steps`.",
        wrong="resume: {from: parent.yaml, step: 1000, schedule: continue}\nsteps: 2000",
        right="resume: {from: parent.yaml, step: 1000, schedule: rewarm}\nsteps: 2000\nschedule: {warmup_steps: 100}",
    ),
)
TOLERATED = 2.0
"""A factor between neighbouring updates beyond which the loss visibly jumps."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The last effective rate of the parent against the first one here, group by group; the largest jump is named."""
    jumps = [(max(row.after / row.before, row.before / row.after), row.name, row.before, row.after)
             for row in subject.experiment.boundary if row.name.startswith("rate.") and row.before and row.after]
    factor, name, before, after = max(jumps, default=(1.0, "", 1.0, 1.0))
    if factor > TOLERATED:
        share = next(row.before for row in subject.experiment.boundary if row.name == "rate")
        figures = {"name": name, "before": f"{before:.3g}", "after": f"{after:.3g}", "factor": f"{after / before:.3g}",
                   "share": percent(share)}
        yield subject.warning("W313", "resume.schedule", figures, _help(subject),
                              ["resume.from", "schedule.warmup_steps"])


def _help(subject: Subject) -> str:
    if subject.experiment.watching is None:
        return "`rewarm` rises to it over schedule.warmup_steps"
    return "its law cannot be warmed up again: lower rates here, or a parent with a higher schedule.final_fraction, jump less"
