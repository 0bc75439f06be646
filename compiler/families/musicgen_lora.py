"""What the compiler knows of LoRA on MusicGen without torch: its part of the schema, the adapter's size, memory, names.

Everything that is counted, saved and optimized is the adapter; the base is frozen. What trains it: `docs/musicgen_lora.md`.
"""

from __future__ import annotations

import math
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
    """Bytes by part of what is sure to be there: adapter, its gradients and moments, the frozen decoder. No activations."""
    adapter = FP32 * sum(parameters(config).values())
    return {"weights": adapter, "gradients": adapter, "optimizer_state": 2 * adapter,
            "frozen_weights": FP32 * frozen_parameters(config)}


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence."""
    return "lower_bound", "adapter, gradients, moments and the frozen decoder; activations and both encoders are not counted"
