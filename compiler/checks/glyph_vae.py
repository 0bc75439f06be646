"""Whether a glyph VAE's shapes fit, its fonts are named, and its KL is held the way its promises need."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.families.glyph_vae import Config
from ..contract.quantities import significant
from ..diagnostics import Diagnostic
from .subject import Subject

_SPEC = "extends: glyphs.yaml\n"
CODES = (
    entry(
        "E480",
        "Heads or patches that do not fit",
        "Every attention head gets dim / heads channels, and an image is cut into whole patches: `heads` has to divide `dim`, "
        "and `patch` has to divide `image_size`.",
        wrong=_SPEC + "model: {image_size: 40, patch: 16}",
        right=_SPEC + "model: {image_size: 48, patch: 16}",
    ),
    entry(
        "E481",
        "A folder of fonts that is not named, or not used",
        "`source: folder` reads the fonts below `data.path`; `source: matplotlib` takes those that come with it, and would "
        "ignore a path.",
        wrong=_SPEC + "data: {source: folder}",
        right=_SPEC + "data: {source: folder, path: fonts}",
    ),
    entry(
        "W482",
        "A promised KL that nothing holds there",
        "Free bits are not penalised: as long as a glyph's KL is below them, the objective is indifferent to it. Given in "
        "each dimension, they add up to free_bits x latent. A promise that the KL stays under a bound below that is kept by "
        "luck alone; give the bits in total, give fewer, or promise another range.",
        wrong=_SPEC + "optimizer: {free_bits: 5, free_bits_over: dimension}\nexpect: [{metric: valid_kl, between: [10, 20]}]",
        right=_SPEC + "optimizer: {free_bits: 5, free_bits_over: total}\nexpect: [{metric: valid_kl, between: [10, 20]}]",
    ),
    entry(
        "W483",
        "The KL's warmup takes half of the run or more",
        "A warmup in steps is another share of the training wherever the number of steps is another: more processes make an "
        "epoch shorter, a smoke profile the run. A run that is mostly warmup says little about the full weight.",
        wrong=_SPEC + "optimizer: {kl_warmup_steps: 800}",
        right=_SPEC + "optimizer: {kl_warmup_steps: 100}",
    ),
)
MOST = 0.5


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A glyph VAE's own settings."""
    if isinstance(config := subject.experiment.training.config, Config):
        yield from _shapes(subject, config)
        yield from _fonts(subject, config)
        yield from _free_bits(subject, config)
        yield from _warmup(subject, config)


def _shapes(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    model = config.model
    if model.dim % model.heads:
        near = [heads for heads in range(model.heads, 0, -1) if model.dim % heads == 0][0]
        yield subject.finding("E480", f"{model.heads} heads cannot share dim {model.dim}: each would get "
                              f"{model.dim / model.heads:g} channels", "model.heads", f"{near} would fit", ["model.dim"])
    if model.image_size % model.patch:
        fitting = max(model.image_size // model.patch, 1) * model.patch
        yield subject.finding("E480", f"patches of {model.patch} do not fill {model.image_size} pixels", "model.patch",
                              f"image_size: {fitting} would fit", ["model.image_size"])


def _fonts(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    data = config.data
    if data.source == "folder" and data.path is None:
        yield subject.finding("E481", "source folder needs path", "data.source", "add data.path, or `source: matplotlib`")
    if data.source == "matplotlib" and data.path is not None:
        yield subject.finding("E481", "source matplotlib does not use path", "data.path",
                              "delete it (in an inheriting spec: `path: null`)", ["data.source"])


def _free_bits(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    objective, floor = config.optimizer, config.optimizer.floor(config.model.latent)
    promises = [(f"expect.{index}", one) for index, one in enumerate(subject.experiment.expectations)]
    promises += [(f"milestones.{index}", one.promise) for index, one in enumerate(subject.experiment.milestones)]
    for key, one in promises:
        if one.metric == "valid_kl" and one.upper is not None and one.upper < floor:
            figures = {"free": f"{floor:,.4g}", "bits": significant(objective.free_bits), "upper": significant(one.upper),
                       "over": str(config.model.latent if objective.free_bits_over == "dimension" else 1)}
            yield subject.warning("W482", key, figures, also=["optimizer.free_bits", "model.latent"])


def _warmup(subject: Subject, config: Config) -> Iterator[Diagnostic]:
    warmup, steps = config.optimizer.kl_warmup_steps, subject.experiment.training.steps
    if warmup >= MOST * steps:
        figures = {"warmup": f"{warmup:,}", "steps": f"{steps:,}", "share": f"{warmup / steps:.0%}"}
        yield subject.warning("W483", "optimizer.kl_warmup_steps", figures, also=["steps", "epochs"])
