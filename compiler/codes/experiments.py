"""E110 and E22x: quantities that cannot be read, and experiments that refer to one another wrongly. Examples are overlays
on a whole spec."""

from __future__ import annotations

from .entry import Code, entry

EXPERIMENTS: tuple[Code, ...] = (
    entry(
        "E110",
        "a quantity that cannot be read",
        """A bound takes the unit of the metric that it bounds: shares are 83% or 0.83, sizes 6GB, times 1.5h,
        losses plain numbers. Numbers lie between 1e-30 and 1e15, counts up to a million million, and what has a
        length is longer than nothing.""",
        "expect: [{metric: peak_memory, at_most: 6}]",
        "expect: [{metric: peak_memory, at_most: 6GB}]",
    ),
    entry(
        "E220",
        "experiments refer to one another in a circle",
        "A run cannot resume from, or be compared with, an experiment that itself needs this one.",
        "resume: {from: child.yaml, step: 1000}",
        "resume: {from: parent.yaml, step: 1000}\nsteps: 2000",
    ),
    entry(
        "E221",
        "an experiment that is not in this workspace",
        "`resume.from` and `eval.compare` name spec files of the workspace, relative to the file that says so.",
        "resume: {from: parnet.yaml, step: 1000}\nsteps: 2000",
        "resume: {from: parent.yaml, step: 1000}\nsteps: 2000",
    ),
    entry(
        "E222",
        "an experiment referred to has errors of its own",
        "Its errors are printed too; they have to go first, since its step count, rates and identity are part of this one.",
        "resume: {from: broken.yaml, step: 1000}\nsteps: 2000",
        "resume: {from: parent.yaml, step: 1000}\nsteps: 2000",
    ),
    entry(
        "E484",
        "a form to set beside that is not there",
        "`report.against` names another profile of the same spec, or `default` for none. It has to be sound by itself, and "
        "another one than this.",
        "report: {against: default}",
        "profiles: {wide: {model: {dim: 512}}}\nreport: {against: wide}",
    ),
)
