"""What can be said of a run before it starts: parameters, memory, tokens, a lower bound of the time, and how each was got.

A figure that nothing supports is None and prints as a dash; a default never passes for an estimate.
"""

from __future__ import annotations

from collections.abc import Iterator

from .contract.experiment import Experiment
from .contract.phases import Phase
from .contract.promises import Prediction, Predictions
from .contract.training import Training, known
from .families import family
from .hardware import DEVICES


def estimate(experiment: Experiment) -> Predictions:
    """All predictions for an experiment on its target."""
    training, chosen = experiment.training, family(experiment.training.family)
    if not training.groups:
        return Predictions({}, {}, tuple(_foreign(experiment)))
    needs = _needs(training, DEVICES[experiment.hardware.target].kind)
    memory = max((parts for _, parts in needs), key=lambda parts: sum(parts.values()))
    figures = [*_counts(experiment), _peak_memory(experiment, needs), *_time(experiment)]
    counted = getattr(chosen, "operations", None)  # not every family counts them by module
    return Predictions(chosen.parameters(training.config), memory, tuple(figures),
                       counted(training.config) if counted else {})


def _foreign(experiment: Experiment) -> Iterator[Prediction]:
    """Of a program that knows its own model: the tokens that it is told to train on, where the spec states its batch."""
    yield Prediction("parameters", None, "number", "unverified", "the program knows its own model")
    if experiment.training.phases:
        yield from _tokens(experiment.training, experiment.counted)


def _tokens(training: Training, counted: str) -> Iterator[Prediction]:
    before, after = known(training.served(training.start)).tokens, known(training.served(training.steps)).tokens
    how = " + ".join(f"{phase.end - phase.start:,} steps x {phase.batch.tokens:,}" for phase in training.phases) + f" {counted}"
    yield Prediction("tokens", after - before, "number", "exact", how)
    yield Prediction("tokens_in_all", after, "number", "exact",
                     f"{before:,} of the parent + {how}" if before else "those of this run")


def _needs(training: Training, kind: str) -> list[tuple[Phase, dict[str, int]]]:
    """How much memory the updates of each phase need on that kind of device, by part."""
    memory = family(training.family).memory
    return [(phase, memory(training.config, phase.batch, training.precision, phase.compile, kind)) for phase in training.phases]


def _counts(experiment: Experiment) -> Iterator[Prediction]:
    training, chosen = experiment.training, family(experiment.training.family)
    yield Prediction("parameters", sum(chosen.parameters(training.config).values()), "number", "exact",
                     "sum over the modules")
    yield from _tokens(training, experiment.counted)
    if (samples := chosen.epoch_samples(training.config)) is not None:
        yield Prediction("epochs", known(training.own_served(training.steps)).samples / samples, "number", "exact",
                         f"own samples / {samples:,} of one epoch")
    if (chance := chosen.chance_loss(training.config)) is not None:
        yield Prediction("chance_loss", chance, "nats", "exact", "ln of the vocabulary")


def _peak_memory(experiment: Experiment, needs: list[tuple[Phase, dict[str, int]]]) -> Prediction:
    """The peak of the fullest phase, which is named where phases differ in it."""
    training, kind = experiment.training, DEVICES[experiment.hardware.target].kind
    peaks = [sum(parts.values()) for _, parts in needs]
    peak = max(peaks)
    phase = needs[peaks.index(peak)][0]
    method, how = family(training.family).memory_method(training.precision, phase.compile, kind)
    where = f"; in the phase {phase.name}" if len(set(peaks)) > 1 else ""
    return Prediction("peak_memory", peak or None, "bytes", method, how + where)


def _time(experiment: Experiment) -> Iterator[Prediction]:
    training, hardware = experiment.training, experiment.hardware
    each = [_operations(training, phase) for phase in training.phases]
    if None in each:
        yield Prediction("train_time", None, "seconds", "unverified", "the operations of a step are not known")
        return
    operations = sum(map(known, each))
    yield Prediction("training_operations", operations, "number", "estimated",
                     "multiply-adds of matrices, and of attention where the family can count it, forward and backward, counted "
                     "twice")
    if hardware.peak_flops is None:
        yield Prediction("train_time", None, "seconds", "unverified", "the target's peak is not known")
        return
    seconds = operations / (hardware.peak_flops * hardware.count)
    yield Prediction("train_time", seconds, "seconds", "lower_bound",
                     f"operations / dense bf16 peak of {hardware.title}; small models take a multiple of it")
    if hardware.price_per_hour is not None:
        yield Prediction("cost", seconds / 3600 * hardware.price_per_hour, hardware.currency or "number", "lower_bound",
                         "lower bound of the time x price")


def _operations(training: Training, phase: Phase) -> int | None:
    """FLOPs of a phase's updates; None where the family does not count them."""
    each = family(training.family).flops_per_token(training.config, phase.batch.sequence_length)
    return None if each is None else each * (phase.end - phase.start) * phase.batch.tokens


def figure(predictions: Predictions, name: str) -> Prediction | None:
    """A prediction by its name."""
    return next((one for one in predictions.figures if one.name == name), None)
