"""What the compiler knows of the glyph VAE without torch: its part of the schema, parameters, FLOPs, memory, names.

The model and its data are described in `docs/glyph_vae.md`; its `Config` is in the contract, what trains it in the runtime.
"""

from __future__ import annotations

from typing import Any

from ..contract.families.glyph_vae import COMMANDS, COORDINATES, SHRINKS, Config, Data, Model, Objective
from ..contract.metrics import Metric
from ..contract.quantities import parse, parse_count
from ..contract.training import Batch, ParameterGroup

SCHEMA_FILE = "glyph_vae.schema.json"
QUANTITIES = (("data.valid_fraction", "fraction"), ("data.glyphs", "positive"), ("optimizer.kl_warmup_steps", "count"),
              ("optimizer.image_dropout", "fraction"))
METRICS = (Metric("valid_l1", "number", "lower"), Metric("valid_ce", "nats", "lower"), Metric("valid_kl", "nats", None),
           Metric("active_units", "number", "higher"), Metric("z_gap", "nats", "higher"))
LOGGED = (Metric("loss", "number", "lower"), Metric("grad_norm", "number", None), Metric("l1", "number", "lower"),
          Metric("ce", "nats", "lower"), Metric("kl", "nats", None), Metric("beta", "number", None))
EVALUATED = (Metric("chamfer", "number", "lower"), Metric("raster_iou", "fraction", "higher"),
             Metric("command_accuracy", "fraction", "higher"), Metric("closed_contours", "fraction", "higher"))
COUNTED = "glyphs"
LOSS_UNIT = "number"
EPOCH_KEY = "data.glyphs"
SPLITS_BATCH = True
INDICATORS: tuple[str, ...] = ()
LOSSES = ("l1", "ce", "kl")
"""Names of the losses whose weights a phase may change."""
FP32 = 4
KERNEL = 9


def config(plain: dict[str, Any]) -> Config:
    """The frozen configuration of a valid spec's `model`, `data` and `optimizer`. Raises `NotAQuantity`."""
    model, data, said = plain["model"], plain["data"], plain["optimizer"]
    return Config(
        Model(**{name: model[name] for name in Model.__dataclass_fields__}),
        Data(data["source"], data.get("path"), data["characters"], parse_count(data["glyphs"]), data["seed"],
             parse(data["valid_fraction"], "fraction")),
        Objective({name: float(said["losses"][name]) for name in LOSSES}, parse_count(said["kl_warmup_steps"]),
                  float(said["free_bits"]), said["free_bits_over"], parse(said["image_dropout"], "fraction")),
    )


def watching(plain: dict[str, Any]) -> None:
    """Nothing: the loop trains it."""


def groups(plain: dict[str, Any], config: Config, batch: Batch) -> tuple[ParameterGroup, ...]:
    """Encoder and decoder, both at the spec's rate, unscaled; weight decay on all of their matrices."""
    said = plain["optimizer"]
    adamw = {"beta1": float(said["beta1"]), "beta2": float(said["beta2"]), "epsilon": float(said["epsilon"])}
    return tuple(ParameterGroup(name, "adamw", "adamw", float(said["lr"]), float(said["lr"]), float(said["weight_decay"]),
                                adamw) for name in ("encoder", "decoder"))


def parameters(config: Config) -> dict[str, int]:
    """Exact parameter counts by module; without biases and norms' weights there is nothing else."""
    model = config.model
    square = model.dim**2
    return {
        "vector_encoder": _tokens(model) + 12 * square * model.vector_layers,
        "encoder_pixels": _pixels(model),
        "cross_attention": 12 * square * model.cross_layers,
        "posterior": square + 2 * model.dim * model.latent,
        "decoder_pixels": _pixels(model),
        "decoder": _tokens(model) + model.dim + model.latent * model.dim + 16 * square * model.decoder_layers,
        "heads": 2 * square + model.dim * (2 * len(COMMANDS) + COORDINATES),
    }


def _tokens(model: Model) -> int:
    """Tables of commands and positions, and the matrix that takes coordinates in."""
    return model.dim * (len(COMMANDS) + COORDINATES + model.sequence_length)


def _pixels(model: Model) -> int:
    """Three convolutions of 3 x 3, the one that cuts into patches, positions of the patches."""
    first, second, third = model.channels
    cut = third * (model.patch // SHRINKS) ** 2
    return KERNEL * (first + first * second + second * third) + cut * model.dim + model.patches * model.dim


def epoch_samples(config: Config) -> int | None:
    """Samples of one epoch: each glyph of the training fonts once."""
    return config.data.glyphs


def sample_length(config: Config) -> int:
    """Units of data that a sample counts: a glyph counts as one, however many commands draw it."""
    return 1


def flops_per_token(config: Config, length: int) -> int:
    """FLOPs of forward and backward a glyph."""
    return sum(operations(config).values())


def operations(config: Config) -> dict[str, int]:
    """FLOPs of forward and backward a glyph by module: six a multiply-add of the forward pass.

    Every token of the sequence counts, and attention's products in full, as they are computed.
    """
    return {name: 6 * count for name, count in _multiply_adds(config.model).items()}


def _multiply_adds(model: Model) -> dict[str, int]:
    tokens, patches, square = model.sequence_length, model.patches, model.dim**2
    first, second, third = model.channels
    pixels, memory = model.image_size**2, patches + 1
    convolutions = KERNEL * (pixels * first + pixels // 4 * first * second + pixels // 16 * second * third)
    image = convolutions + pixels // SHRINKS**2 * third * model.dim
    reads = 2 * square * (tokens + patches) + 2 * tokens * patches * model.dim + 8 * square * tokens
    writes = (12 * square * tokens + 2 * tokens**2 * model.dim
              + 2 * square * (tokens + memory) + 2 * tokens * memory * model.dim)
    return {"vector_encoder": model.vector_layers * (12 * square * tokens + 2 * tokens**2 * model.dim),
            "encoder_pixels": image, "cross_attention": model.cross_layers * reads,
            "posterior": square + 2 * model.dim * model.latent, "decoder_pixels": image,
            "decoder": model.decoder_layers * writes + model.dim * model.latent, "heads": 2 * tokens * square}


def chance_loss(config: Config) -> None:
    """None: the loss is a weighted sum of unlike terms, and no guess makes it a constant."""


def memory(config: Config, batch: Batch, precision: str, compiled: bool, kind: str) -> dict[str, int]:
    """Bytes by part that are known without running it: weights, their gradients, Adam's two moments. No activations."""
    total = sum(parameters(config).values())
    return {"weights": FP32 * total, "gradients": FP32 * total, "optimizer_state": 2 * FP32 * total}


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence."""
    return "lower_bound", "weights, gradients and Adam's moments; activations are not counted"
