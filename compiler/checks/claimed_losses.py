"""Whether stated losses say that something was learned, and two losses of one moment can mean the same thing."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.quantities import decimal
from ..diagnostics import Diagnostic
from ..estimate import figure
from .subject import Subject

CODES = (
    entry(
        "W384",
        "A stated loss is at chance level",
        "A model that finds every token equally likely has the loss ln V. A run that reports as much has learned nothing, "
        "and one that reports more is worse than uniform: suspect the labels, their delay or mask, or the checkpoint. The "
        "vocabulary has to be this spec's; a loss within 1 % of chance counts as chance.",
        wrong="claims: {losses: [{of: first run, metric: valid_loss, value: 9.01}]}",
        right="claims: {losses: [{of: first run, metric: valid_loss, value: 0.66}]}",
    ),
    entry(
        "W385",
        "Training loss and held-out loss cannot mean the same",
        "On data that it is trained on, a model does not do half again as badly as on data that it has never seen. The two "
        "were reduced or masked differently (padding that counts in one of them, a sum against a mean), so they belong in no "
        "common table.",
        wrong="claims: {losses: [{of: first run, step: 500, metric: train_loss, value: 8.6}, {of: first run, step: 500, "
              "metric: valid_loss, value: 2.99}]}",
        right="claims: {losses: [{of: first run, step: 500, metric: train_loss, value: 2.6}, {of: first run, step: 500, "
              "metric: valid_loss, value: 2.99}]}",
    ),
)
NEAR_CHANCE = 0.99
UNLIKE = 1.5


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each stated loss against ln V, and against the other loss of the same run and step."""
    losses = subject.experiment.claims.losses
    chance = figure(subject.experiment.predictions, "chance_loss")
    for one in losses:
        if chance and chance.value and one.figure.value.high >= NEAR_CHANCE * chance.value:
            figures = {"of": one.of, "loss": decimal(one.figure.value.high, 3), "chance": decimal(chance.value, 3),
                       "share": f"{one.figure.value.high / chance.value:.1%}"}
            yield subject.warning("W384", one.figure.key, figures, also=["model.vocabulary"])
    held_out = {(one.of, one.step): one for one in losses if one.metric == "valid_loss"}
    for one in losses:
        other = held_out.get((one.of, one.step)) if one.metric == "train_loss" else None
        if other and one.figure.value.low > UNLIKE * other.figure.value.high:
            figures = {"of": one.of, "train": decimal(one.figure.value.low, 3), "valid": decimal(other.figure.value.high, 3),
                       "factor": f"{one.figure.value.low / other.figure.value.high:.3g}"}
            yield subject.warning("W385", one.figure.key, figures, also=[other.figure.key])
