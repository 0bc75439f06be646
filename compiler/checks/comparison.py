"""Whether compared experiments hold a checkpoint at the stated step, and what makes the comparison unequal."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.retention import is_kept, newest_kept
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "E350",
        "The compared experiment has no checkpoint at that step",
        "`eval.compare` states at which step each experiment is compared. It has to be one that is saved and still there "
        "when the experiment has finished.",
        wrong="eval: {compare: [{spec: parent.yaml, step: 700}]}",
        right="eval: {compare: [{spec: parent.yaml, step: 1000}]}",
    ),
    entry(
        "E351",
        "The compared experiment is judged by other suites",
        "Scores of different prompts, indicators or weights cannot be ranked. Let the experiments share one suites file.",
        wrong="eval: {compare: [{spec: parent.yaml, step: 1000}], suites: {structure: {samples: 9}}}",
        right="eval: {compare: [{spec: parent.yaml, step: 1000}]}",
    ),
    entry(
        "W352",
        "Models are compared at unequal steps",
        "More steps are more training: such a comparison shows what training is worth, not which architecture is better. "
        "The documents carry a note; `notes` with `about: eval.compare` says that it is meant, and ends this warning.",
        wrong="steps: 2000\neval: {compare: [{spec: parent.yaml, step: 1000}]}",
        right="steps: 2000\neval: {compare: [{spec: parent.yaml, step: 1000}]}\n"
              "notes: [{about: eval.compare, text: Longer training is what is studied.}]",
    ),
    entry(
        "E354",
        "The same experiment compared twice at the same step",
        "Both rows of the comparison would be the same model, ranked above or below itself.",
        wrong="eval: {compare: [{spec: parent.yaml, step: 1000}, {spec: parent.yaml, step: 1k}]}",
        right="eval: {compare: [{spec: parent.yaml, step: 1000}]}",
    ),
    entry(
        "E355",
        "An experiment compared with itself",
        "The experiment itself always stands in its comparison, at its last step; `eval.compare` names the others.",
        wrong="eval: {compare: [{spec: child.yaml, step: 1000}]}",
        right="eval: {compare: [{spec: parent.yaml, step: 1000}]}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each compared experiment's step and suites."""
    experiment = subject.experiment
    rows = [(one.run, one.step) for one in experiment.evaluation.compare]
    for index, (said, other) in enumerate(zip(experiment.evaluation.compare, subject.compared, strict=True)):
        if (first := rows.index(rows[index])) != index:
            yield subject.finding("E354", f"{other.run} is compared twice at step {said.step:,}", f"eval.compare.{index}",
                                  "take one of the two out", [f"eval.compare.{first}"])
        if not is_kept(other, said.step):
            kept = ", ".join(f"{step:,}" for step in newest_kept(other, 6))
            yield subject.finding("E350", f"{other.run} has no checkpoint at step {said.step:,}",
                                  f"eval.compare.{index}.step", f"it keeps step {kept}")
        if other.evaluation.suites != experiment.evaluation.suites:
            yield subject.finding("E351", f"{other.run} is evaluated with other suites", f"eval.compare.{index}.spec",
                                  "extend one shared suites file", ["eval.suites"])
    steps = {one.step for one in experiment.evaluation.compare} | {experiment.training.steps}
    if experiment.evaluation.compare and len(steps) > 1 and not _meant(subject):
        yield subject.warning("W352", "eval.compare", {"steps": ", ".join(f"{step:,}" for step in sorted(steps))},
                              "say in a note about eval.compare that this is meant")


def _meant(subject: Subject) -> bool:
    return any(note.about == "eval.compare" for note in subject.experiment.notes)
