"""What the compiler knows of the glyph VAE without torch: its part of the schema, parameters, FLOPs, memory, names.

The model and its data are described in `docs/glyph_vae.md`; its `Config` is in the contract, what trains it in the runtime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

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
    """Bytes by part at the fullest moment of an update, for eager fp32 with fused AdamW.

    The moments compared are those of `_stages`, and AdamW. Gradients are freed after each update, so that all of them stand
    beside the activations only where several micro-batches accumulate.
    """
    total = sum(parameters(config).values())
    moments = list(_moments(config, batch.rows))
    if batch.accumulation > 1:
        moments = [moment | {"gradients": total} for moment in moments]
    moments.append({"gradients": total})
    fullest = max(moments, key=lambda moment: sum(moment.values()))
    packed = (1 + COORDINATES) * config.model.sequence_length + config.model.image_size**2 + config.model.latent + 1
    fixed = {"weights": total, "optimizer_state": 2 * total,
             "inputs": batch.rows * (packed + 2 * config.model.sequence_length)}  # the commands once more, in int64
    return {part: FP32 * number for part, number in (fixed | fullest).items() if number}


class _Stage(NamedTuple):
    """A stretch of the backward pass, in numbers held: the activations that it frees, the gradients that it makes, and what
    it needs for a short time only."""

    module: str
    activations: int
    gradients: int
    workspace: int


def _moments(config: Config, rows: int) -> Iterator[dict[str, int]]:
    """Numbers held by part at each stage: its own activations and those of stages to come, gradients of those before."""
    stages = list(_stages(config, rows))
    held, gradients = Counter[str](), 0
    for stage in stages:
        held[stage.module] += stage.activations
    for stage in stages:
        kept = {f"{module}_activations": number for module, number in held.items()}
        yield kept | {"gradients": gradients, "workspace": stage.workspace}
        held[stage.module] -= stage.activations
        gradients += stage.gradients


def _stages(config: Config, rows: int) -> Iterator[_Stage]:
    """The backward pass, first to last.

    A layer keeps of a token, in self-attention: input, two normalised inputs, query, key, value, output (7 x dim + heads + 2);
    in attention to a memory: input, normalised input, query, output (4 x dim + heads + 1), and of what is attended to a
    normalised form, key and value (3 x dim + 1); in the MLP: input, normalised input, two hidden forms (10 x dim + 1).
    """
    model, count = config.model, parameters(config)
    dim, square = model.dim, model.dim**2
    tokens, patches = rows * model.sequence_length, rows * model.patches
    inward, mlp = tokens * (7 * dim + model.heads + 2), tokens * (10 * dim + 1)
    outward = tokens * (4 * dim + model.heads + 1)
    attended = 3 * dim + 1
    in_mlp = 5 * tokens * dim + 4 * square  # gradients of the stream, of the hidden form, and of one matrix
    # The stream, normalised; two hidden forms of each head, the stream with the chosen command; logits, coordinates, errors.
    yield _Stage("heads", tokens * (7 * dim + 2 * len(COMMANDS) + COORDINATES + 1), count["heads"], tokens * dim + square)
    memory = patches + rows
    yield from [_Stage("decoder", inward + outward + memory * attended + mlp, 16 * square, in_mlp)] * model.decoder_layers
    yield _Stage("decoder", tokens * COORDINATES + memory * dim, count["decoder"] - 16 * square * model.decoder_layers, 0)
    yield from _pixel_stages("decoder_pixels", model, rows, copied=True)
    yield _Stage("posterior", tokens * (dim + 2) + rows * (3 * dim + 8 * model.latent), count["posterior"], tokens * dim)
    yield from [_Stage("cross_attention", outward + patches * attended + mlp, 12 * square, in_mlp)] * model.cross_layers
    yield _Stage("cross_attention", patches * dim, 0, 0)
    yield from [_Stage("vector_encoder", inward + mlp + tokens, 12 * square, in_mlp)] * model.vector_layers
    yield from _pixel_stages("encoder_pixels", model, rows, copied=False)
    yield _Stage("vector_encoder", tokens * COORDINATES, _tokens(model), 0)


def _pixel_stages(module: str, model: Model, rows: int, copied: bool) -> Iterator[_Stage]:
    """The cut into patches, then the convolutions. Each of them holds its output before and after GELU, half as much as the
    one before it. Its backward takes three times its input: the gradient and two in another layout; matrices twice."""
    image, patches = rows * model.image_size**2, rows * model.patches
    first, _, third = model.channels
    edges, cut = image * first, third * (model.patch // SHRINKS) ** 2 * model.dim
    yield _Stage(module, 3 * edges // 2 + patches * (model.dim + 1), cut + model.patches * model.dim,
                 3 * edges // 4 + patches * model.dim + 2 * cut)
    yield _Stage(module, 2 * edges + copied * image, _pixels(model) - cut - model.patches * model.dim, 7 * edges // 2)


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence: checked on a CPU, which always runs eager fp32."""
    if kind == "cpu":
        return "estimated", "closed form for eager fp32; checked against the profiler by benchmarks/memory"
    return "unverified", "closed form for eager fp32; bf16, CUDA and compiled steps have not been measured"
