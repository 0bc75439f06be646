"""Whether the suites' weights make one whole and their indicators exist."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from ..codes.entry import entry
from ..diagnostics import Diagnostic, listing, nearest
from ..families import family
from .subject import Subject

CODES = (
    entry(
        "E330",
        "The suites' weights do not sum to 100 %",
        "The composite score is the weighted mean of the suites' scores, so their weights have to make one whole.",
        wrong="eval: {suites: {structure: {weight: 60%}}}",
        right="eval: {suites: {structure: {weight: 40%}}}",
    ),
    entry(
        "E331",
        "Unknown indicator",
        "A suite judges each completion by indicators that the model family defines; this one does not exist.",
        wrong="eval: {suites: {structure: {indicators: [has_titel]}}}",
        right="eval: {suites: {structure: {indicators: [has_title]}}}",
    ),
    entry(
        "E353",
        "A suite named composite",
        "`eval.composite` is the weighted mean of all suites. A suite of that name would give the same metric a second "
        "meaning.",
        wrong="eval: {suites: {notes: null, composite: {title: All, weight: 60%, prompts: [x], indicators: [has_rhythm], "
              "samples: 1, max_new_tokens: 16, temperature: 0, seed: 1}}}",
        right="eval: {suites: {notes: null, everything: {title: All, weight: 60%, prompts: [x], indicators: [has_rhythm], "
              "samples: 1, max_new_tokens: 16, temperature: 0, seed: 1}}}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Weights against one; indicator names against the family's."""
    suites = subject.experiment.evaluation.suites
    if any(suite.name == "composite" for suite in suites):
        yield subject.finding("E353", 'a suite cannot be named "composite": that is the weighted mean of all suites',
                              "eval.suites.composite", "give it another name")
    total = sum(suite.weight for suite in suites)
    if suites and not isclose(total, 1.0, abs_tol=1e-9):
        terms = " + ".join(f"{suite.weight:.6g}" for suite in suites)
        yield subject.finding("E330", f"the suites' weights are {terms} = {total:.6g}, not 1", "eval.suites",
                              also=[f"eval.suites.{suite.name}.weight" for suite in suites])
    known = family(subject.experiment.training.family).INDICATORS
    for suite in suites:
        for index, name in enumerate(suite.indicators):
            if name not in known:
                near = nearest(name, known)
                yield subject.finding("E331", f'unknown indicator "{name}"', f"eval.suites.{suite.name}.indicators.{index}",
                                      f'did you mean "{near}"?' if near else f"there are {listing(known)}")
