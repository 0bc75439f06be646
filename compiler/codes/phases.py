"""E410 to E417: the length of a run and the ranges of its phases. Examples are overlays on a whole spec."""

from __future__ import annotations

from .entry import Code, entry

PHASES: tuple[Code, ...] = (
    entry(
        "E410",
        "two phases hold at the same time",
        """A phase lasts from `from` (included) to `to` (excluded). Where one begins before the other has ended, the same
        update would have two batches.""",
        "phases: [{name: warm, to: 200, rate: 50%}, {name: full, from: 150, rate: 1}]",
        "phases: [{name: warm, to: 200, rate: 50%}, {name: full, from: 200, rate: 1}]",
    ),
    entry(
        "E411",
        "a phase that ends before it begins",
        "`to` is excluded, so it has to lie behind `from`; without `from`, a phase begins where the one before it ends.",
        "phases: [{name: warm, from: 200, to: 200, rate: 50%}]",
        "phases: [{name: warm, from: 100, to: 200, rate: 50%}]",
    ),
    entry(
        "E416",
        "a length in epochs, where an epoch's samples are not known",
        """Everything is turned into steps when the spec is compiled. Where the family cannot know how many samples the data
        has before it is prepared, epochs say nothing yet; steps, samples and tokens do.""",
        "checkpoint: {every: 1 epoch}",
        "checkpoint: {every: 64k tokens}",
    ),
    entry(
        "E417",
        "the length of the run is said twice, or not at all",
        "A run is so many `steps` or so many `epochs` long. A spec that inherits one and means the other takes it away.",
        "steps: 1000\nepochs: 3",
        "steps: 1000",
    ),
)
