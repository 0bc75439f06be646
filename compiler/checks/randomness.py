"""Whether samples of a prompt can differ: at temperature 0 they are all the same text."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "W392",
        "Several samples without chance",
        "At temperature 0 the likeliest token is taken every time, so every sample of a prompt is the same text. Repeating it "
        "looks like more evidence than there is.",
        wrong="eval: {suites: {structure: {samples: 4, temperature: 0}}}",
        right="eval: {suites: {structure: {samples: 4, temperature: 0.8}}}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each suite's samples against its temperature."""
    for suite in subject.experiment.evaluation.suites:
        if suite.samples > 1 and not suite.temperature:
            key = f"eval.suites.{suite.name}"
            yield subject.warning("W392", f"{key}.samples", {"suite": suite.name, "samples": str(suite.samples)},
                                  also=[f"{key}.temperature"])
