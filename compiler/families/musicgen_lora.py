"""What the compiler knows of LoRA on MusicGen without torch: its part of the schema, the adapter's size, memory, names.

Everything that is counted, saved and optimized is the adapter; the base is frozen. What trains it: `docs/musicgen_lora.md`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..contract.families.musicgen_lora import Config, Data, Model
from ..contract.metrics import Metric
from ..contract.quantities import parse, parse_count
from ..contract.record import dataclass
from ..contract.training import Batch, ParameterGroup

SCHEMA_FILE = "musicgen_lora.schema.json"
QUANTITIES = (("data.clips", "positive"), ("data.held_out", "positive"), ("data.audio_seconds", "duration"),
              ("data.clip_seconds", "duration"), ("model.pretraining_steps", "positive"))
COUNTED = "frames"
LOSS_UNIT = "nats"
CODEBOOKS = 4
METRICS = (Metric("sounding_loss", "nats", "lower"),
           *(Metric(f"codebook_{index}_loss", "nats", "lower") for index in range(1, CODEBOOKS + 1)))
EVALUATED = (Metric("style_loss", "nats", "lower"), Metric("shown_loss", "nats", "lower"), Metric("fade", "dB", None),
             Metric("silence", "fraction", "lower"))
LOGGED = (Metric("loss", "nats", "lower"), Metric("grad_norm", "number", None))
EPOCH_KEY = "data.clips"
SPLITS_BATCH = True
INDICATORS: tuple[str, ...] = ()
LOSSES: tuple[str, ...] = ()
FP32 = 4
POSITIONS = 2048
"""Rows that the decoder has sinusoids for from the start."""
ENCODERS = {"text_encoder": 109_628_544, "audio_encoder": 58_990_166}
"""Numbers of t5-base's encoder and of EnCodec at 32 kHz (its codebooks' averages included), which every MusicGen on the hub
has: transformers' `convert_musicgen_transformers.py`."""
TINY_AUDIO_ENCODER = 801
"""Numbers of a generated base's, which nothing uses."""


def config(plain: dict[str, Any]) -> Config:
    """The frozen configuration of a valid spec's `model` and `data`. Raises `NotAQuantity`."""
    model, data = plain["model"], plain["data"]
    pretraining = model.get("pretraining_steps")
    return Config(
        Model(model.get("base"), None if pretraining is None else parse_count(pretraining), model["layers"], model["dim"],
              model["heads"], model["ffn"], model["text_dim"], model["codebooks"], model["vocabulary"], model["rank"],
              float(model["alpha"]), float(model["dropout"]), tuple(model["targets"])),
        Data(data["source"], data.get("path"), parse_count(data["clips"]), parse_count(data["held_out"]),
             parse(data["audio_seconds"], "time"), parse(data["clip_seconds"], "time"), float(data["frame_rate"]),
             data["sample_rate"], data["mask_padding"], data["seed"], tuple(data["prompts"]),
             float(data["guidance"])),
    )


def watching(plain: dict[str, Any]) -> None:
    """Nothing: the loop trains it."""


def groups(plain: dict[str, Any], config: Config, batch: Batch) -> tuple[ParameterGroup, ...]:
    """The adapter is one AdamW group at the rate that the spec states, unscaled."""
    said = plain["optimizer"]
    options = {"beta1": float(said["beta1"]), "beta2": float(said["beta2"]), "epsilon": float(said["epsilon"])}
    rate = float(said["lr"])
    return (ParameterGroup("adapter", "adamw", "adamw", rate, rate, float(said["weight_decay"]), options),)


def parameters(config: Config) -> dict[str, int]:
    """Exact parameters of the adapter by module; a linear layer from a to b channels carries rank x (a + b) of them.

    With all six targets and ffn = 4 x dim they are 26 x dim x rank x layers in all.
    """
    model = config.model
    each = model.rank * model.layers
    attention = each * 2 * model.dim * sum(one.endswith("_proj") for one in model.targets)
    forward = each * (model.dim + model.ffn) * sum(one in ("fc1", "fc2") for one in model.targets)
    return {name: count for name, count in (("self_attention", attention), ("cross_attention", attention),
                                            ("feed_forward", forward)) if count}


def frozen_parameters(config: Config) -> int:
    """Parameters of the base's decoder, which the adapter sits on: embeddings, layers with their norms, heads.

    Attention and feed-forward carry no biases; every norm has a weight and a bias. Text and audio encoder come on top.
    """
    model = config.model
    layer = 8 * model.dim**2 + 2 * model.dim * model.ffn + 3 * 2 * model.dim
    return (model.codebooks * (2 * model.vocabulary + 1) * model.dim + model.layers * layer + 2 * model.dim)


def epoch_samples(config: Config) -> int | None:
    """Samples of one epoch: every clip once."""
    return config.data.clips


def sample_length(config: Config) -> int:
    """Frames of one clip, padding included: each holds one code of every codebook."""
    return config.data.frames


def flops_per_token(config: Config, length: int) -> int:
    """FLOPs of forward and backward a frame, at least: 2 a multiplication of a matrix or of causal self-attention.

    Backward, a frozen matrix gets no gradient of its own, which saves a third of Chowdhery et al. 2022 (PaLM), appendix B,
    and the first layer none but the adapter's own: nothing in front of it trains. K and V of the attention to the prompt
    run on its few tokens; they, the text encoder and embeddings are left out.
    """
    model = config.model
    layer = 6 * model.dim**2 + 2 * model.dim * model.ffn
    prompt = 2 * model.dim * model.rank * sum(one in ("k_proj", "v_proj") for one in model.targets)
    adapter = sum(parameters(config).values()) // model.layers - prompt
    attention = model.dim * length
    heads = model.codebooks * model.vocabulary * model.dim
    forward = model.layers * (layer + adapter + attention) + heads
    backward = (model.layers - 1) * (layer + 2 * adapter + 2 * attention) + adapter + heads
    return 2 * (forward + backward)


def chance_loss(config: Config) -> float:
    """ln of a codebook's size, in nats: the loss of a model that finds every code equally likely."""
    return math.log(config.model.vocabulary)


def memory(config: Config, batch: Batch, precision: str, compiled: bool, kind: str) -> dict[str, int]:
    """Bytes by part at the fullest moment of an update with fused AdamW.

    The moments compared: the loss, the feed-forward of the last layer in backward, and the end of backward, where every
    gradient stands alone. Of a pretrained base the spec states the decoder's sizes only: the rest is taken to be what every
    MusicGen on the hub has. Prompts are taken to be as long as the longest that models are heard with.
    """
    adapter = FP32 * sum(parameters(config).values())
    fixed = {"weights": adapter, "optimizer_state": 2 * adapter, **_frozen(config)}
    moments = list(_moments(config, batch, _Widths.of(precision, kind)))
    if batch.accumulation > 1:
        moments = [moment | {"gradients": adapter} for moment in moments]
    moments.append({"gradients": adapter})
    return fixed | max(moments, key=lambda moment: sum(moment.values()))


@dataclass(frozen=True)
class _Widths:
    """Bytes of a number that matrices take or give, and of one that dropout has drawn. What norms take is always fp32."""

    matrix: int
    drawn: int

    @classmethod
    def of(cls, precision: str, kind: str) -> _Widths:
        """A CPU computes in fp32 whatever the spec asks for, and draws numbers; a GPU draws bytes."""
        return cls(2 if (precision, kind) == ("bf16", "cuda") else FP32, FP32 if kind == "cpu" else 1)


def _frozen(config: Config) -> dict[str, int]:
    """Bytes that lie still: the decoder with its sinusoids of positions and its map from the prompt, and both encoders."""
    model = config.model
    positions = max(POSITIONS, config.data.frames + model.codebooks - 1) * model.dim
    prompt = (model.text_dim + 1) * model.dim if model.text_dim != model.dim else 0
    encoders = {"text_encoder": _tiny_text_encoder(model.text_dim), "audio_encoder": TINY_AUDIO_ENCODER}
    parts = {"frozen_weights": frozen_parameters(config) + positions + prompt, **(ENCODERS if model.base else encoders)}
    return {part: FP32 * numbers for part, numbers in parts.items()}


def _tiny_text_encoder(width: int) -> int:
    """Parameters of a generated base's T5: a table of 384 bytes, two layers of two heads and 2 x width inside, three norms'
    weights, and each head's bias at 32 distances."""
    layer = 4 * width * 2 * max(width // 2, 1) + 4 * width**2 + 2 * width
    return 384 * width + 2 * layer + width + 64


def _moments(config: Config, batch: Batch, widths: _Widths) -> Iterator[dict[str, int]]:
    """Bytes by part at the moments of an update that can be the fullest while activations are held.

    At the loss, logits and log-probabilities stand side by side; in fp32 of several clips the logits a second time, by
    codebook; in bf16 as they came and in fp32.
    """
    model = config.model
    rows = batch.rows * (batch.sequence_length + model.codebooks - 1)
    prompts = batch.rows * _prompt_tokens(config)
    layers = sum(_kept(model, rows, prompts, widths, index == 0) for index in range(model.layers))
    layers += FP32 * prompts * model.dim
    copied = 2 * model.codebooks * model.vocabulary * model.dim if widths.matrix == 2 else 0
    logits = rows * model.codebooks * model.vocabulary * (10 if widths.matrix == 2 else 12 if batch.rows > 1 else 8)
    yield {"activations": layers + copied + FP32 * rows * (model.dim + 2), "loss": logits}
    yield {"activations": layers, "workspace": 2 * rows * (widths.matrix * model.ffn + FP32 * model.dim)}


def _prompt_tokens(config: Config) -> int:
    """Tokens of the longest prompt: bytes for a generated base, about four characters each for a pretrained one, and an end."""
    return max(len(one.encode()) // (4 if config.model.base else 1) for one in config.data.prompts) + 1


def _kept(model: Model, rows: int, prompts: int, widths: _Widths, first: bool) -> int:
    """Bytes that a layer keeps for backward, of `rows` of frames and `prompts` tokens of prompts.

    A frozen linear layer keeps nothing of its input, but in bf16 the copy of its own weights. One with an adapter keeps
    `rank` numbers a row and its input: in bf16 as a copy of its own; behind dropout what was left, and what was drawn. Nothing
    needs a gradient in front of the first adapter of the first layer.
    """
    kept = copied = 0
    needed, alone = not first, model.dropout > 0 or widths.matrix == 2
    for place in _places(model, widths):
        count = sum(target in place.targets for target in model.targets)
        copied += place.matrices * needed
        if count:
            inputs = count * widths.matrix if alone else FP32 * (not (place.kept and needed))
            drawn = count * widths.drawn * (model.dropout > 0 and needed)
            kept += count * widths.matrix * model.rank + place.width * (inputs + drawn)
            needed = True
        kept += place.behind * needed
    on_prompts = sum(target in ("k_proj", "v_proj") for target in model.targets)
    text = widths.matrix * (2 * model.dim + on_prompts * (model.rank + model.dim * alone))
    return rows * kept + prompts * text + (2 * copied if widths.matrix == 2 else 0)


@dataclass(frozen=True)
class _Place:
    """A place of a layer where adapters can sit on linear layers, of so many weights (`matrices`), that share an input of
    `width` channels. `kept`: backward needs that input anyway. `behind`: bytes a row that the frozen operations up to the next
    place keep, where what enters them needs a gradient."""

    targets: tuple[str, ...]
    width: int
    matrices: int
    kept: bool
    behind: int


def _places(model: Model, widths: _Widths) -> tuple[_Place, ...]:
    """A layer of transformers' MusicGen in order: self-attention, attention to the prompt, feed-forward, each behind a norm.

    A norm keeps its input, mean and deviation; attention its queries, keys, values, output and a sum a head; GELU its input;
    a pretrained decoder's dropout what was drawn.
    """
    dim, ffn, norm, sums = model.dim, model.ffn, FP32 * (model.dim + 2), FP32 * model.heads
    after, one = widths.drawn * dim if model.base else 0, widths.matrix * dim
    return (_Place((), 0, 0, False, norm), _Place(("q_proj", "k_proj", "v_proj"), dim, 3 * dim**2, False, 4 * one + sums),
            _Place(("out_proj",), dim, dim**2, True, after + norm), _Place(("q_proj",), dim, dim**2, False, 2 * one + sums),
            _Place(("out_proj",), dim, dim**2, True, after + norm),
            _Place(("fc1",), dim, dim * ffn, False, widths.matrix * ffn), _Place(("fc2",), ffn, dim * ffn, False, after))


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence: checked on a CPU, which always runs eager fp32."""
    if kind == "cpu":
        return "estimated", "closed form for eager fp32; checked against the profiler by benchmarks/memory"
    return "unverified", f"closed form for an eager step in {precision}; it has not been measured on a GPU"
