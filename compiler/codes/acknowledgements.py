"""E386, E387 and W391: acknowledgements of warnings that there are not, or without a reason. Examples are overlays on a
whole spec."""

from __future__ import annotations

from .entry import Code, entry

ACKNOWLEDGEMENTS: tuple[Code, ...] = (
    entry(
        "E386",
        "an acknowledgement of no warning's code",
        """`acknowledge` lets a warning stand, by its code. This is the code of no warning; errors cannot be acknowledged.""",
        "checkpoint: {every: 5000}\nacknowledge: [{code: W360, reason: One checkpoint is enough.}]",
        "checkpoint: {every: 5000}\nacknowledge: [{code: W306, reason: One checkpoint is enough.}]",
    ),
    entry(
        "E387",
        "an acknowledgement without a reason",
        """The documents show each warning that may stand with the reason for it; blanks are none.""",
        'checkpoint: {every: 5000}\nacknowledge: [{code: W306, reason: " "}]',
        "checkpoint: {every: 5000}\nacknowledge: [{code: W306, reason: One checkpoint is enough.}]",
    ),
    entry(
        "W391",
        "an acknowledgement of a warning that does not stand",
        """The spec that states it has no such warning there (any more). Delete it, or mend `at`. What heirs and
        profiles inherit may be about warnings that only the spec itself has, so there nothing is said.""",
        "acknowledge: [{code: W306, at: checkpoint, reason: One checkpoint is enough.}]",
        "checkpoint: {every: 5000}\nacknowledge: [{code: W306, at: checkpoint, reason: One checkpoint is enough.}]",
    ),
)
