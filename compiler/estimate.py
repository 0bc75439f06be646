"""What can be said of a run before it starts: parameters, memory, tokens, a lower bound of the time, and how each was got.

A figure that nothing supports is None and prints as a dash; a default never passes for an estimate.
"""

from __future__ import annotations

from collections.abc import Iterator

from .contract.experiment import Experiment
from .contract.promises import Prediction, Predictions
from .contract.training import own_step_count
from .families import family
from .hardware import DEVICES


def estimate(experiment: Experiment) -> Predictions:
    """All predictions for an experiment on its target."""
    training, chosen = experiment.training, family(experiment.training.family)
    kind = DEVICES[experiment.hardware.target].kind
    memory = chosen.memory(training.config, training.batch, training.precision, training.compile)
    figures = [*_counts(experiment), _peak_memory(experiment, sum(memory.values()), kind), *_time(experiment)]
    return Predictions(chosen.parameters(training.config), memory, tuple(figures))


def _counts(experiment: Experiment) -> Iterator[Prediction]:
    training, chosen = experiment.training, family(experiment.training.family)
    own = own_step_count(training)
    tokens = training.batch.tokens
    yield Prediction("parameters", sum(chosen.parameters(training.config).values()), "number", "exact",
                     "sum over the modules")
    yield Prediction("tokens", own * tokens, "number", "exact", f"{own:,} steps x {tokens:,} tokens")
    yield Prediction("tokens_in_all", training.steps * tokens, "number", "exact",
                     f"{training.steps:,} steps x {tokens:,} tokens, the parent's included")
    yield Prediction("chance_loss", chosen.chance_loss(training.config), "nats", "exact", "ln of the vocabulary")


def _peak_memory(experiment: Experiment, peak: int, kind: str) -> Prediction:
    training = experiment.training
    method, how = family(training.family).memory_method(training.precision, training.compile, kind)
    return Prediction("peak_memory", peak, "bytes", method, how)


def _time(experiment: Experiment) -> Iterator[Prediction]:
    training, hardware = experiment.training, experiment.hardware
    operations = family(training.family).flops_per_token(training.config) * own_step_count(training) * training.batch.tokens
    yield Prediction("training_operations", operations, "number", "estimated",
                     "multiply-adds of matrices and attention, forward and backward, counted twice")
    if hardware.peak_flops is None:
        yield Prediction("train_time", None, "seconds", "unverified", "the target's peak is not known")
        return
    seconds = operations / (hardware.peak_flops * hardware.count)
    yield Prediction("train_time", seconds, "seconds", "lower_bound",
                     f"operations / dense bf16 peak of {hardware.title}; small models take a multiple of it")
    if hardware.price_per_hour is not None:
        yield Prediction("cost", seconds / 3600 * hardware.price_per_hour, hardware.currency or "number", "lower_bound",
                         "lower bound of the time x price")


def figure(predictions: Predictions, name: str) -> Prediction | None:
    """A prediction by its name."""
    return next((one for one in predictions.figures if one.name == name), None)
