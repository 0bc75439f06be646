"""What the compiler knows of the timbre_restore family without torch: its part of the schema, parameters, names.

A causal U-Net restores degraded audio against HiFi-GAN's discriminators (`docs/timbre_restore.md`); its `Config` is in the
contract, what trains it in the runtime.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ..contract.families.timbre_restore import (
    Config,
    Data,
    Degradation,
    Discriminators,
    Generator,
    Losses,
    Model,
    period_convolutions,
    scale_convolutions,
)
from ..contract.metrics import Metric
from ..contract.quantities import parse_count
from ..contract.training import Batch, ParameterGroup

SCHEMA_FILE = "timbre_restore.schema.json"
QUANTITIES = (("data.clips", "positive"), ("data.valid_clips", "positive"))
COUNTED = "frames"
LOSS_UNIT = "number"
METRICS = (Metric("valid_l1", "number", "lower"), Metric("valid_mrstft", "number", "lower"),
           Metric("valid_total", "number", "lower"), Metric("valid_d_real", "number", None),
           Metric("valid_d_fake", "number", None))
LOGGED = (Metric("loss", "number", "lower"), Metric("l1", "number", "lower"), Metric("mrstft", "number", "lower"),
          Metric("adversarial", "number", None), Metric("feature_matching", "number", None),
          Metric("d_real", "number", None), Metric("d_fake", "number", None), Metric("grad_norm", "number", None))
EVALUATED = (Metric("l1", "number", "lower"), Metric("mrstft", "number", "lower"), Metric("lsd", "dB", "lower"),
             Metric("si_sdr", "dB", "higher"))
EPOCH_KEY = "data.clips"
SPLITS_BATCH = True
INDICATORS: tuple[str, ...] = ()
LOSSES = ("l1", "mrstft", "adversarial", "feature_matching")
"""Names of the losses whose weights a phase may change."""


def config(plain: dict[str, Any]) -> Config:
    """The frozen configuration of a valid spec's `model` and `data`. Raises `NotAQuantity`."""
    model, data = plain["model"], plain["data"]
    generator, against = model["generator"], model["discriminators"]
    ranges = {name: (float(low), float(high)) for name, (low, high) in data["degradation"].items()}
    return Config(
        Model(model["sample_rate"], model["segment"], tuple(model["fft"]),
              Generator(tuple(generator["channels"]), generator["stride"], generator["recurrent"], float(generator["gate"])),
              Discriminators(against["scales"], tuple(against["periods"]), against["width"]),
              Losses(**{name: float(model["losses"][name]) for name in LOSSES})),
        Data(data["source"], data.get("path"), parse_count(data["clips"]), parse_count(data["valid_clips"]), data["seed"],
             Degradation(**ranges)),
    )


def watching(plain: dict[str, Any]) -> None:
    """Nothing: the loop trains it."""


def groups(plain: dict[str, Any], config: Config, batch: Batch) -> tuple[ParameterGroup, ...]:
    """The generator's parameters and the discriminators', each with an AdamW of its own; rates are the spec's."""
    said = plain["optimizer"]
    options = {name: float(said[name]) for name in ("beta1", "beta2", "epsilon")}
    rates = {"generator": float(said["generator_lr"]), "discriminators": float(said["discriminator_lr"])}
    return tuple(ParameterGroup(name, name, "adamw", rate, rate, float(said["weight_decay"]), options)
                 for name, rate in rates.items())


def sample_length(config: Config) -> int:
    """Frames of a sample."""
    return config.model.segment


def epoch_samples(config: Config) -> int:
    """Samples of one epoch: each excerpt that is trained on once."""
    return config.data.clips


def parameters(config: Config) -> dict[str, int]:
    """Exact parameter counts by module; a convolution of the discriminators has a weight norm's gain for each output."""
    model = config.model
    levels, kernel = list(_levels(model.generator)), 2 * model.generator.stride
    widest = model.generator.channels[-1]
    mixing = sum(2 * out * out + 2 * out for _, out in levels)
    periods = sum(_normed(one.weights, one.out) for one in period_convolutions(model.discriminators.width))
    scales = sum(_normed(one.weights, one.out) for one in scale_convolutions(model.discriminators.width))
    return {
        "encoder": sum(into * out * kernel + out for into, out in levels) + mixing,
        "recurrent": model.generator.recurrent * (6 * widest * widest + 6 * widest),
        "decoder": sum(out * max(into, 2) * kernel + max(into, 2) for into, out in levels) + mixing,
        "scale_discriminators": model.discriminators.scales * scales,
        "period_discriminators": len(model.discriminators.periods) * periods,
    }


def _levels(generator: Generator) -> Iterator[tuple[int, int]]:
    """Channels into and out of each level of the encoder. The decoder's last level gives two: residual and gate."""
    yield from pairwise((1, *generator.channels))


def _normed(weights: int, out: int) -> int:
    return weights + 2 * out


def flops_per_token(config: Config, length: int) -> None:
    """Not counted: it depends on the phase whether the discriminators, which take most of it, work at all."""


def chance_loss(config: Config) -> None:
    """There is none: nothing is guessed."""


def memory(config: Config, batch: Batch, precision: str, compiled: bool, kind: str) -> dict[str, int]:
    """Nothing: what the activations of all nine networks take has not been worked out, and the rest alone would mislead."""
    return {}


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence."""
    return "unverified", "the activations have not been worked out"
