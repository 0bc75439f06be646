"""Whether stated counts (parameters, batch, tokens, epochs, optimizer state) are what the spec gives."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.claims import Range
from ..contract.markdown import amount
from ..contract.rendering import Words
from ..diagnostics import Diagnostic
from ..families import family
from .subject import Subject, shown

CODES = (
    entry(
        "E380",
        "A stated count is not what the spec gives",
        "`claims` holds what somebody states of the run. Parameters, tokens, batches, epochs and the optimizer's state "
        "follow from the spec by arithmetic; rounded figures may be off by a tenth, counts by nothing. Mend the claim, or "
        "the setting that it shows to be wrong.",
        wrong="claims: {parameters: 60M}",
        right="claims: {parameters: 19M}",
    ),
    entry(
        "E384",
        "The data cannot fill one update",
        "With fewer samples than one update takes, an epoch that drops its last, unfilled batch holds no batch at all: "
        "nothing is trained, and a loop that never runs reports no error. Where epochs are not kept apart, an update sees the "
        "same sample twice. This holds for what `claims` states, and for what the data section itself counts.",
        wrong="batch: {rows: 16, total_tokens: 16384}\nclaims: {samples: 10}",
        right="batch: {rows: 16, total_tokens: 16384}\nclaims: {samples: 100k}",
    ),
)
ROUNDED = {"parameters": 0.1, "optimizer_state": 0.1, "tokens": 0.1, "epochs": 0.01}
"""Figures that documents round, and the share by which they may be off."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each stated count against the computed one; the samples against one update."""
    words = Words("en", subject.experiment.counted)
    for one in subject.experiment.claims.figures:
        if one.computed and not one.value.meets(one.computed, ROUNDED.get(one.quantity, 0.0)):
            how = f"{words(f'claim.how.{one.how}')}; x {_factor(one.value, one.computed)}"
            yield subject.finding("E380", f"{words.label('claim', one.quantity)}: stated {shown(one.value, one.unit)}, "
                                  f"computed {shown(one.computed, one.unit)} ({how})", one.key)
    yield from _filled(subject)


def _filled(subject: Subject) -> Iterator[Diagnostic]:
    """The stated samples, and those of the family's own epoch, against the largest update of the run."""
    training = subject.experiment.training
    batches = [phase.batch for phase in training.phases] or [one for one in (training.batch,) if one]
    if not batches:
        return
    batch, chosen = max(batches, key=lambda one: one.samples), family(training.family)
    counted = [(one.key, one.value.high) for one in (subject.experiment.claims.figure("samples"),) if one]
    if training.groups and (epoch := chosen.epoch_samples(training.config)) is not None:
        counted.append((chosen.EPOCH_KEY, epoch))
    for key, samples in counted:
        if samples < batch.samples:
            yield subject.finding(
                "E384", f"{amount(samples, 'number')} samples do not fill one update of {batch.rows} rows x "
                f"{batch.accumulation} accumulated x {batch.ranks} ranks = {batch.samples}", key,
                f"an epoch without its unfilled batch would hold {int(samples) // batch.samples}",
                ["batch.rows", "batch.accumulation", "batch.ranks"])


def _factor(stated: Range, computed: Range) -> str:
    return f"{computed.low / stated.high:.3g}" if computed.low > stated.high else f"{computed.high / stated.low:.3g}"
