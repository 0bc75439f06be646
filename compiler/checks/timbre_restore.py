"""Whether a timbre_restore experiment can be what it says: excerpts that fit, a best model that is told apart fairly,
discriminators that train when they are listened to, and figures of a least-squares GAN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from ..codes.entry import entry
from ..contract.conditions import NoImprovement, parse, walk
from ..contract.families.timbre_restore import Config
from ..contract.phases import Phase
from ..contract.promises import Expectation
from ..diagnostics import Diagnostic
from .subject import Subject

_BASE = "extends: timbre.yaml\n"
CODES = (
    entry(
        "E490",
        "Excerpts that do not fit the model",
        "An excerpt has to be a whole number of the generator's blocks (stride to the power of its levels), and no shorter "
        "than the longest window of the STFT loss.",
        wrong=_BASE + "model: {segment: 4000}",
        right=_BASE + "model: {segment: 4096}",
    ),
    entry(
        "E491",
        "The audio's source lacks its path, or is given one that it does not read",
        "`source: folder` reads the .wav and .flac files below `path`; `source: synthetic` plays notes and reads nothing.",
        wrong=_BASE + "data: {source: folder}",
        right=_BASE + "data: {source: folder, path: my_music}",
    ),
    entry(
        "E492",
        "A degradation that cannot be",
        "A range goes from its smaller figure to its larger one, and a low-pass has to cut off below half the sample rate.",
        wrong=_BASE + "data: {degradation: {cutoff: [2000, 9000]}}",
        right=_BASE + "data: {degradation: {cutoff: [2000, 6000]}}",
    ),
    entry(
        "E493",
        "The best is told by a total that changes its meaning",
        "Where phases weigh the losses differently, a weighted total before and after are different figures: once a GAN has "
        "started, nothing may ever be \"better\" again. `valid_loss` (L1 + MRSTFT, unweighted) means the same throughout.",
        wrong=_BASE + "checkpoint: {keep_best: {metric: valid_total}}",
        right=_BASE + "checkpoint: {keep_best: {metric: valid_loss}}",
    ),
    entry(
        "W490",
        "Discriminators train and nobody listens, or somebody listens and they do not train",
        "In a phase without adversarial weights, freeze `discriminators`: they would grow strong before the generator meets "
        "them. In a phase with such weights they have to train, or the generator learns to please what is fixed.",
        wrong=_BASE + "phases: [{name: first, to: 100, losses: {adversarial: 0, feature_matching: 0}}]",
        right=_BASE + "phases: [{name: first, to: 100, losses: {adversarial: 0, feature_matching: 0}, "
                      "frozen: [discriminators]}]",
    ),
    entry(
        "W491",
        "A range for the discriminators' losses that leaves out their balance",
        "With least squares, a discriminator that cannot tell real from restored says one half, and (1/2)² = 0.25 is its "
        "loss on either. 0.69 = ln 2 is the balance of another GAN, that of cross-entropy.",
        wrong=_BASE + "milestones: [{metric: valid_d_real, by: 200, between: [0.5, 1.0]}]",
        right=_BASE + "milestones: [{metric: valid_d_real, by: 200, between: [0.1, 0.5]}]",
    ),
)
BALANCE = 0.25
_TOTALS = ("loss", "valid_total", "train_loss")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """All of them, where the experiment is of this family."""
    if isinstance(config := subject.experiment.training.config, Config):
        yield from _excerpts(subject, config)
        yield from _source(subject, config)
        yield from _degradation(subject, config)
        yield from _best(subject, config)
        yield from _phases(subject, config)
        yield from _balance(subject)


def _excerpts(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    model, hop = config.model, config.model.generator.hop
    if model.segment % hop:
        near = max(hop, round(model.segment / hop) * hop)
        yield subject.finding("E490", f"{model.segment:,} frames are no whole number of the generator's blocks of {hop:,}",
                              "model.segment", f"write {near}", ["model.generator.channels", "model.generator.stride"])
    if model.segment < max(model.fft):
        yield subject.finding("E490", f"{model.segment:,} frames are shorter than the longest window, {max(model.fft):,}",
                              "model.segment", also=["model.fft"])


def _source(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    data = config.data
    if data.source == "folder" and data.path is None:
        yield subject.finding("E491", "source folder needs a path", "data.source", "add data.path")
    if data.source == "synthetic" and data.path is not None:
        yield subject.finding("E491", "source synthetic reads no path", "data.path", "delete it, or write source: folder",
                              ["data.source"])


def _degradation(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    for name, (low, high) in asdict(config.data.degradation).items():
        if low > high:
            yield subject.finding("E492", f"the range goes from {low:g} down to {high:g}", f"data.degradation.{name}")
    half = config.model.sample_rate / 2
    if (cutoff := max(config.data.degradation.cutoff)) >= half:
        yield subject.finding("E492", f"a cut-off at {cutoff:g} Hz; audio of {config.model.sample_rate:,} Hz ends at {half:g}",
                              "data.degradation.cutoff", also=["model.sample_rate"])


def _weights(config: Config, phase: Phase) -> dict[str, float]:
    return asdict(config.model.losses) | phase.losses


def _best(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    phases = subject.experiment.training.phases
    changed = next((one for one in phases if _weights(config, one) != _weights(config, phases[0])), None)
    if changed is None:
        return
    keep = subject.experiment.checkpoint.keep_best
    told = [("checkpoint.keep_best.metric", keep.metric)] if keep else []
    for index, guard in enumerate(subject.experiment.guards):
        if guard.given:
            told += [(f"guards.{index}.when", str(part.metric)) for part in walk(parse(guard.when))
                     if isinstance(part, NoImprovement)]
    for key, metric in told:
        if metric in _TOTALS:
            yield subject.finding("E493", f"{metric} weighs other losses from step {changed.start:,} on ({changed.name})", key,
                                  "use valid_loss, valid_l1 or valid_mrstft", ["phases", "model.losses"])


def _phases(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    said = {one["name"]: index for index, one in enumerate(subject.resolved.value("phases") or [])}
    for phase in subject.experiment.training.phases:
        weights = _weights(config, phase)
        listens, trains = bool(weights["adversarial"] or weights["feature_matching"]), "discriminators" not in phase.frozen
        if listens != trains:
            key = f"phases.{said[phase.name]}" if phase.name in said else "model.losses"
            figures = {"name": phase.name, "adversarial": f"{weights['adversarial']:g}",
                       "matching": f"{weights['feature_matching']:g}", "frozen": ", ".join(phase.frozen) or "-"}
            yield subject.warning("W490", key, figures, also=["model.losses"])


def _balance(subject: Subject) -> Iterator[Diagnostic]:
    promises = [(f"expect.{index}", one) for index, one in enumerate(subject.experiment.expectations)]
    promises += [(f"milestones.{index}", one.promise) for index, one in enumerate(subject.experiment.milestones)]
    for key, promise in promises:
        if promise.metric in ("valid_d_real", "valid_d_fake") and not _holds(promise, BALANCE):
            yield subject.warning("W491", key, {"metric": promise.metric, "balance": f"{BALANCE:g}"})


def _holds(promise: Expectation, value: float) -> bool:
    return (promise.lower is None or promise.lower <= value) and (promise.upper is None or value <= promise.upper)
