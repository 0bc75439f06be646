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


def estimate(experiment: Experiment, parent: Experiment | None = None) -> Predictions:
    """All predictions for an experiment on its target; the parent's are there already."""
    training, chosen = experiment.training, family(experiment.training.family)
    kind = DEVICES[experiment.hardware.target].kind
    memory = chosen.memory(training.config, training.batch, training.precision, training.compile)
    figures = [*_counts(experiment, parent), _peak_memory(experiment, sum(memory.values()), kind), *_time(experiment)]
    return Predictions(chosen.parameters(training.config), memory, tuple(figures))


def _counts(experiment: Experiment, parent: Experiment | None) -> Iterator[Prediction]:
    training, chosen = experiment.training, family(experiment.training.family)
    own = own_step_count(training)
    tokens = training.batch.tokens
    yield Prediction("parameters", sum(chosen.parameters(training.config).values()), "number", "exact",
                     "sum over the modules")
    yield Prediction("tokens", own * tokens, "number", "exact", f"{own:,} steps x {tokens:,} tokens")
    before = _tokens_until(parent, training.resume.step) if parent and training.resume else 0
    yield Prediction("tokens_in_all", before + own * tokens, "number", "exact",
                     f"{before:,} of the parent + {own:,} steps x {tokens:,} tokens" if parent else "those of this run")
    yield Prediction("chance_loss", chosen.chance_loss(training.config), "nats", "exact", "ln of the vocabulary")


def _tokens_until(experiment: Experiment, step: int) -> int:
    """Tokens that have gone into an experiment's weights at a step, its own parents' included."""
    in_all = figure(experiment.predictions, "tokens_in_all")
    assert in_all is not None and in_all.value is not None
    return int(in_all.value) - (experiment.training.steps - step) * experiment.training.batch.tokens


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
