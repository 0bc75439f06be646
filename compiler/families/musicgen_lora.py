"""What the compiler knows of LoRA on MusicGen without torch: its part of the schema, the adapter's size, memory, names.

Everything that is counted, saved and optimized is the adapter; the base is frozen. What trains it: `docs/musicgen_lora.md`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..contract.families.musicgen_lora import Config, Data, Model
from ..contract.metrics import Metric
from ..contract.quantities import parse, parse_count
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
    """Bytes by part at the fullest moment of an update, for eager fp32 with fused AdamW.

    The moments compared: the loss, the feed-forward of the last layer in backward, and the end of backward, where every
    gradient stands alone. Of a pretrained base the spec states the decoder's sizes only: the rest is taken to be what every
    MusicGen on the hub has. Prompts are taken to be as long as the longest that models are heard with.
    """
    adapter = sum(parameters(config).values())
    fixed = {"weights": adapter, "optimizer_state": 2 * adapter, **_frozen(config)}
    moments = list(_moments(config, batch))
    if batch.accumulation > 1:
        moments = [moment | {"gradients": adapter} for moment in moments]
    moments.append({"gradients": adapter})
    fullest = max(moments, key=lambda moment: sum(moment.values()))
    return {part: FP32 * numbers for part, numbers in (fixed | fullest).items()}


def _frozen(config: Config) -> dict[str, int]:
    """Numbers that lie still: the decoder with its sinusoids of positions and its map from the prompt, and both encoders."""
    model = config.model
    positions = max(POSITIONS, config.data.frames + model.codebooks - 1) * model.dim
    prompt = (model.text_dim + 1) * model.dim if model.text_dim != model.dim else 0
    encoders = {"text_encoder": _tiny_text_encoder(model.text_dim), "audio_encoder": TINY_AUDIO_ENCODER}
    return {"frozen_weights": frozen_parameters(config) + positions + prompt, **(ENCODERS if model.base else encoders)}


def _tiny_text_encoder(width: int) -> int:
    """Parameters of a generated base's T5: a table of 384 bytes, two layers of two heads and 2 x width inside, three norms'
    weights, and each head's bias at 32 distances."""
    layer = 4 * width * 2 * max(width // 2, 1) + 4 * width**2 + 2 * width
    return 384 * width + 2 * layer + width + 64


def _moments(config: Config, batch: Batch) -> Iterator[dict[str, int]]:
    """Numbers by part at the moments of an update that can be the fullest while activations are held.

    At the loss, logits and log-probabilities stand side by side; of several clips, the logits a second time, by codebook.
    """
    model = config.model
    rows = batch.rows * (batch.sequence_length + model.codebooks - 1)
    prompts = batch.rows * _prompt_tokens(config)
    layers = sum(_kept(model, rows, prompts, index == 0) for index in range(model.layers)) + prompts * model.dim
    logits = rows * model.codebooks * model.vocabulary
    yield {"activations": layers + rows * (model.dim + 2), "loss": (3 if batch.rows > 1 else 2) * logits}
    yield {"activations": layers, "workspace": 2 * rows * (model.ffn + model.dim)}


def _prompt_tokens(config: Config) -> int:
    """Tokens of the longest prompt: bytes for a generated base, about four characters each for a pretrained one, and an end."""
    return max(len(one.encode()) // (4 if config.model.base else 1) for one in config.data.prompts) + 1


def _kept(model: Model, rows: int, prompts: int, first: bool) -> int:
    """Numbers that a layer keeps for backward, of `rows` of frames and `prompts` tokens of prompts.

    A frozen linear layer keeps nothing, one with an adapter its input (where dropout falls on it, the share that was drawn
    and what was left) and `rank` numbers a row. Nothing needs a gradient in front of the first adapter of the first layer.
    """
    kept, needed, dropped = 0, not first, model.dropout > 0
    for place in _places(model):
        count = sum(target in place.targets for target in model.targets)
        if count:
            fresh = 0 if place.kept and needed else 1
            kept += count * model.rank + place.width * (count * (1 + needed) if dropped else fresh)
            needed = True
        kept += place.behind * needed
    on_prompts = sum(target in ("k_proj", "v_proj") for target in model.targets)
    return rows * kept + prompts * (2 * model.dim + on_prompts * (model.rank + model.dim * dropped))


@dataclass(frozen=True)
class _Place:
    """A place of a layer where adapters can sit on linear layers that share an input of `width` channels. `kept`: backward
    needs that input anyway. `behind`: numbers a row that the frozen operations up to the next place keep, where what enters
    them needs a gradient."""

    targets: tuple[str, ...]
    width: int
    kept: bool
    behind: int


def _places(model: Model) -> tuple[_Place, ...]:
    """A layer of transformers' MusicGen in order: self-attention, attention to the prompt, feed-forward, each behind a norm.

    A norm keeps its input, mean and deviation; attention its queries, keys, values, output and a sum a head; GELU its input;
    a pretrained decoder's dropout what was drawn.
    """
    dim, norm = model.dim, model.dim + 2
    after = dim if model.base else 0
    return (_Place((), 0, False, norm), _Place(("q_proj", "k_proj", "v_proj"), dim, False, 4 * dim + model.heads),
            _Place(("out_proj",), dim, True, after + norm), _Place(("q_proj",), dim, False, 2 * dim + model.heads),
            _Place(("out_proj",), dim, True, after + norm), _Place(("fc1",), dim, False, model.ffn),
            _Place(("fc2",), model.ffn, False, after))


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence: checked on a CPU, which always runs eager fp32."""
    if kind == "cpu":
        return "estimated", "closed form for eager fp32; checked against the profiler by benchmarks/memory"
    return "unverified", "closed form for eager fp32; bf16 and CUDA have not been measured"
