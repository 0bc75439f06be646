"""Whether only that differs from the parent which is said to, and claims about a parent have one."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..diagnostics import Diagnostic, listing
from .subject import Subject

_RESUME = "resume: {from: parent.yaml, step: 1000, schedule: rewarm}\nsteps: 2000\n"
CODES = (
    entry(
        "E383",
        "More changes than what is said to change",
        "`claims.only_changes` names the keys or sections that differ from the parent's. A comparison that is said to vary "
        "one thing and varies four shows the effect of none of them. Where checkpoints go and what machine is meant counts "
        "for nothing here.",
        wrong=_RESUME + "optimizer: {matrix_lr: 0.016}\nclaims: {only_changes: [steps]}",
        right=_RESUME + "optimizer: {matrix_lr: 0.016}\nclaims: {only_changes: [steps, optimizer.matrix_lr]}",
    ),
    entry(
        "E385",
        "A claim about a parent that there is not",
        "`only_changes`, and losses or scores `of: parent`, are about the experiment that `resume.from` names; this spec "
        "resumes nothing. What another run scored carries that run's name.",
        wrong="claims: {losses: [{of: parent, step: 5000, value: 0.66}]}",
        right="claims: {losses: [{of: first round, step: 5000, value: 0.66}]}",
    ),
)
_NOT_TRAINING = ("checkpoint", "hardware")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The computed changes against the claimed ones."""
    claims = subject.experiment.claims
    if not subject.parent:
        keys = [one.figure.key.removesuffix("value") + "of" for one in (*claims.losses, *claims.scores) if one.of == "parent"]
        for key in [*keys, *(["claims.only_changes"] if claims.only_changes else [])]:
            yield subject.finding("E385", "there is no parent that this could be about", key, also=["resume"])
        return
    if claims.only_changes:
        more = [one for one in subject.experiment.changes if not _is_said(one.key, (*claims.only_changes, *_NOT_TRAINING))]
        if more:
            told = listing(f"{one.key} ({one.before} -> {one.after})" for one in more)
            yield subject.finding("E383", f"besides {listing(claims.only_changes)} there change: {told}",
                                  "claims.only_changes", "name them too, or take the parent's values",
                                  [one.key for one in more])


def _is_said(key: str, said: tuple[str, ...]) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in said)
