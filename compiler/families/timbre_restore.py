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
FP32 = 4


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
    """Bytes by part at the fullest moment of an update of both models, for eager fp32 with AdamW one parameter after another.

    A phase that leaves the discriminators out needs less; this is what the others need. Gradients of each model are freed when
    it has been updated, so that they stand beside activations only where several micro-batches accumulate.
    """
    total = sum(parameters(config).values())
    moments = _moments(config, batch.rows, accumulates=batch.accumulation > 1)
    fullest = max(moments, key=lambda moment: sum(moment.values()))
    # Degraded, clean and restored audio.
    fixed = {"weights": total, "optimizer_state": 2 * total, "inputs": 3 * batch.rows * config.model.segment}
    return {part: FP32 * number for part, number in (fixed | fullest).items() if number}


def _moments(config: Config, rows: int, accumulates: bool) -> Iterator[dict[str, int]]:
    """Numbers held by part at the moments of an update that can be the fullest, first to last.

    The discriminators keep each layer's output before and after its activation, their weights after the norm, and what they
    are given. Feature matching keeps the features of clean audio and their differences beside those of restored audio.
    """
    model, count = config.model, parameters(config)
    judges = count["scale_discriminators"] + count["period_discriminators"]
    makes = sum(count.values()) - judges
    features, scores, given = (rows * number for number in _heard(model))
    graph = 2 * features - scores + given + judges
    spectra = [rows * (model.segment // (window // 4) + 1) * (window // 2 + 1) for window in model.fft]
    made = {"generator_activations": rows * _kept(model), "spectra": rows * model.segment + 9 * sum(spectra)}
    beside = {"gradients": makes} if accumulates else {}
    layers = (*period_convolutions(model.discriminators.width), *scale_convolutions(model.discriminators.width))
    matrix = 2 * max(one.weights for one in layers) if judges else 0
    yield {"discriminator_activations": 2 * graph, "gradients": judges * accumulates, "workspace": matrix}  # real and restored
    yield {"gradients": judges, "workspace": matrix}
    yield made | beside | {"discriminator_activations": graph + 2 * features}
    yield made | beside | {"workspace": 3 * max(spectra)}
    widest = model.generator.channels[-1]
    matrix = max(3 * widest**2, *(into * out * 2 * model.generator.stride for into, out in _levels(model.generator)))
    yield {"gradients": makes, "workspace": 2 * matrix}


def _kept(model: Model) -> int:
    """Numbers of an excerpt that the generator keeps for its backward pass.

    A level has, in the encoder and again in the decoder, its output's channels four times, and its input's channels with a
    stride of padding; a layer of the GRU keeps nine times its width for each step.
    """
    sizes = model.generator
    frames = -(-model.segment // sizes.hop) * sizes.hop
    kept = frames
    for into, out in _levels(sizes):
        kept += (into + max(into, 2)) * (frames + sizes.stride) + 8 * out * (frames // sizes.stride)
        frames //= sizes.stride
    return kept + 9 * sizes.recurrent * sizes.channels[-1] * frames


def _heard(model: Model) -> tuple[int, int, int]:
    """Numbers of an excerpt in all discriminators' features, scores included; in the scores; in folded or halved audio."""
    sizes, features, scores, given = model.discriminators, 0, 0, 0
    heard = [(period, -(-model.segment // period), period_convolutions(sizes.width)) for period in sizes.periods]
    given += sum(columns * frames for columns, frames, _ in heard)
    frames = model.segment
    for halvings in range(sizes.scales):
        heard.append((1, frames, scale_convolutions(sizes.width)))
        frames = frames // 2 + 1
        given += frames * (sizes.scales - 1 - halvings)  # each of the narrower scales halves for itself
    for columns, frames, layers in heard:
        for one in layers:
            frames = (frames + 2 * (one.kernel // 2) - one.kernel) // one.stride + 1
            features += columns * one.out * frames
        scores += columns * frames
    return features, scores, given


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence: checked on a CPU, which always runs eager fp32."""
    if kind == "cpu":
        return "estimated", "closed form for eager fp32; checked against the profiler by benchmarks/memory"
    return "unverified", "closed form for eager fp32; bf16, CUDA and compiled steps have not been measured"
