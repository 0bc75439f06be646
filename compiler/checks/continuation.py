"""What a resumed run leaves unsaid: of what the inherited warmdown is a share, and what another batch does to the rates."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.experiment import Experiment
from ..contract.quantities import percent
from ..diagnostics import Diagnostic
from .subject import Subject

_RESUME = "resume: {from: parent.yaml, step: 1000, schedule: rewarm}\nsteps: 2000\n"
CODES = (
    entry(
        "W389",
        "A resumed run inherits what its warmdown is a share of",
        "\"The last 25 %\" of a run that resumes at step 5,000 and ends at 20,000 may be 5,000 steps (of all) or 3,750 (of "
        "what is left). The parent had no such choice to make, so the resumed spec says `schedule.warmdown_of` itself.",
        wrong=_RESUME,
        right=_RESUME + "schedule: {warmdown_of: total}",
    ),
    entry(
        "W390",
        "The batch changes at the resume step, the rates do not",
        "Another effective batch wants another rate. The spec changes the batch and no rate; what its family's own scaling "
        "makes of it, the message says.",
        wrong=_RESUME + "batch: {rows: 8, total_tokens: 8192}",
        right=_RESUME + "batch: {rows: 8, total_tokens: 8192}\noptimizer: {matrix_lr: 0.02}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The warmdown's base and the batch, against the parent's."""
    if subject.parent and subject.experiment.training.resume:
        yield from _warmdown(subject, subject.experiment.training.resume.step)
        yield from _batch(subject, subject.parent)


def _warmdown(subject: Subject, start: int) -> Iterator[Diagnostic]:
    law, steps = subject.experiment.schedule, subject.experiment.training.steps
    said = subject.resolved.layers("schedule.warmdown_of")
    if law and said and said[-1].layer.by is not None and law.warmdown_ratio > 0 and steps > start:
        figures = {"ratio": percent(law.warmdown_ratio, 0), "total": f"{round(law.warmdown_ratio * steps):,}",
                   "remaining": f"{round(law.warmdown_ratio * (steps - start)):,}", "steps": f"{steps:,}",
                   "own": f"{steps - start:,}", "base": law.warmdown_of}
        yield subject.warning("W389", "schedule.warmdown_of", figures, "say schedule.warmdown_of in this spec", ["resume.step"])


def _batch(subject: Subject, parent: Experiment) -> Iterator[Diagnostic]:
    training = subject.experiment.training
    if not (training.phases and parent.training.phases):
        return
    batch, before = training.phase_at(training.start).batch, parent.training.phase_at(training.start - 1).batch
    changed = any(one.key.startswith("optimizer.") for one in subject.experiment.changes)
    if batch.tokens == before.tokens or changed:
        return
    rates = {group.name: group.rate for group in parent.training.groups}
    factors = {group.rate / rates[group.name] for group in training.groups if rates.get(group.name)}
    scaled = " – ".join(dict.fromkeys(f"{factor:.3g}" for factor in sorted(factors)))
    figures = {"before": f"{before.tokens:,}", "rates": scaled, "after": f"{batch.tokens:,}",
               "factor": f"{batch.tokens / before.tokens:.3g}"}
    yield subject.warning("W390", "batch", figures, "state the rates that this batch is to have", ["resume.from"])
