"""What the compiler knows of the MeloFormer family without torch: its part of the schema, parameters, memory, FLOPs, names.

The model is described in `docs/meloformer.md`; its `Config` is in the contract, what trains it in the runtime.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..contract.families.meloformer import KINDS, Config, Data, Model
from ..contract.metrics import Metric
from ..contract.quantities import parse, parse_count
from ..contract.training import Batch, ParameterGroup

SCHEMA_FILE = "meloformer.schema.json"
QUANTITIES = (("data.pieces", "positive"), ("data.rows", "positive"), ("data.valid_fraction", "fraction"))
METRICS = tuple(Metric(f"nll_{kind}", "nats", "lower") for kind in KINDS if kind != "special")
EVALUATED = (
    Metric("grammar_validity", "fraction", "higher"),
    Metric("pitch_class_entropy", "bits", None),
    Metric("pitch_class_distance", "bits", "lower"),
    Metric("groove_consistency", "fraction", None),
    Metric("note_density", "number", None),
    Metric("long_range_loss", "nats", "lower"),
)
LOGGED = (Metric("loss", "nats", "lower"), Metric("grad_norm", "number", None))
EPOCH_KEY = "data.rows"
SPLITS_BATCH = True
INDICATORS: tuple[str, ...] = ()
LOSSES: tuple[str, ...] = ()
COUNTED = "tokens"
LOSS_UNIT = "nats"
BF16, FP32, INT64 = 2, 4, 8
"""Bytes of a number."""


def config(plain: dict[str, Any]) -> Config:
    """The frozen configuration of a valid spec's `model` and `data`. Raises `NotAQuantity`."""
    model, data = plain["model"], plain["data"]
    pieces, rows = (None if data.get(name) is None else parse_count(data[name]) for name in ("pieces", "rows"))
    return Config(
        Model(model["depth"], model["dim"], model["heads"], model["sequence_length"], model["bars"],
              float(model["rope_base"]), float(model["dropout"])),
        Data(data["source"], data.get("path"), pieces, rows, data["seed"], parse(data["valid_fraction"], "fraction")),
    )


def watching(plain: dict[str, Any]) -> None:
    """Nothing: the loop trains it."""


def sample_length(config: Config) -> int:
    """Tokens of a sample: a row of the context's length."""
    return config.model.sequence_length


def groups(plain: dict[str, Any], config: Config, batch: Batch) -> tuple[ParameterGroup, ...]:
    """Two groups of one AdamW at one rate, taken as it is written; weight decay on the matrices only."""
    said = plain["optimizer"]
    options = {"beta1": float(said["beta1"]), "beta2": float(said["beta2"]), "epsilon": float(said["epsilon"])}
    rate, decay = float(said["lr"]), float(said["weight_decay"])
    return tuple(ParameterGroup(name, "adamw", "adamw", rate, rate, decay if name == "matrix" else 0.0, options)
                 for name in ("matrix", "embedding"))


def parameters(config: Config) -> dict[str, int]:
    """Exact parameter counts by module; there are no biases, and norms have no parameters. The head is the embedding."""
    model = config.model
    return {
        "token_embedding": model.vocabulary * model.dim,
        "summary_token": model.dim,
        "attention": 4 * model.depth * model.dim**2,
        "summary_projection": 2 * model.depth * model.dim**2,
        "mlp": 8 * model.depth * model.dim**2,
    }


def epoch_samples(config: Config) -> int | None:
    """Rows of one epoch, where the spec states them; preparation holds the data to that."""
    return config.data.rows


def flops_per_token(config: Config, length: int) -> int:
    """FLOPs of forward and backward a token in rows of `length`: 6 a matrix parameter, for tokens and for the summaries.

    Scores and sums of attention are left out: how many keys a token sees depends on how the music falls into bars.
    """
    model, count = config.model, parameters(config)
    blocks = count["attention"] + count["mlp"]
    of_row = length * (blocks + count["token_embedding"]) + model.bars * (blocks + count["summary_projection"])
    return 6 * of_row // length


def chance_loss(config: Config) -> float:
    """ln of the vocabulary, in nats: the loss of a model that finds every token equally likely."""
    return math.log(config.model.vocabulary)


def memory(config: Config, batch: Batch, precision: str, compiled: bool, kind: str) -> dict[str, int]:
    """Bytes by part at the fullest moment of an update with fused AdamW, not compiled: fp32 on a CPU, the precision on a GPU.

    The moments compared: the masks being made, the loss, the MLP of every layer in backward, and the embedding's gradient
    being added to the head's. Gradients are freed after each update, so they stand beside the activations only where
    several micro-batches accumulate.
    """
    total = sum(parameters(config).values())
    fixed = {"weights": FP32 * (total + config.model.head_width // 2), "optimizer_state": 2 * FP32 * total}
    held = _held(config.model, batch, BF16 if kind == "cuda" and precision == "bf16" else FP32, kind != "cuda")
    fullest = max(_moments(config, batch, held), key=lambda moment: sum(moment.values()))
    return {part: bytes_ for part, bytes_ in (fixed | fullest).items() if bytes_}


class _Held(NamedTuple):
    """Bytes of one micro-batch: what a layer keeps for its backward pass and the masks that it keeps, what is kept beside
    the layers, what masks take while they are made, and what an MLP takes in backward, less what is freed by then."""

    layer: int
    masks: int
    ends: int
    making: int
    mlp: int


def _held(model: Model, batch: Batch, size: int, dense: bool) -> _Held:
    """For numbers of `size` bytes where the precision decides, with `dense` masks as on a CPU or FlexAttention.

    A layer keeps of each position the stream twice (fp32), and 19 x dim of that size: two normalised inputs, the joint
    projection, rotated queries and keys, keys and values beside those of the summaries, the attention as it came and put
    together, two hidden forms of the MLP. Cosines and sines, two norms and the attention's logarithms come on top, and what
    dropout left out: a number each on a CPU, a byte on a GPU. Summaries are normalised and projected once more. In bf16 the
    matrices have copies. PyTorch's attention keeps an fp32 mask for every layer; it and FlexAttention's blocks are made of
    differences of bars in int64 and of four booleans.
    """
    dim, width = model.dim, model.head_width
    summaries, tokens = batch.rows * model.bars, batch.rows * batch.sequence_length
    positions, keys = summaries + tokens, model.bars + batch.sequence_length
    noise = (FP32 if dense else 1) * dim if model.dropout else 0
    layer = (positions * ((2 * FP32 + 19 * size) * dim + 2 * noise + 2 * size * width + FP32 * (model.heads + 2))
             + summaries * ((FP32 + size) * dim + size * width + FP32))
    copied = 14 * size * dim**2 if size < FP32 else 0
    arriving = size * dim if model.dropout or size < FP32 else 0  # at an MLP, where it is not the stream's own gradient
    return _Held(
        layer=layer + copied,
        masks=FP32 * positions * keys if dense else 0,
        ends=FP32 * positions * dim + tokens * (size * dim + FP32 + INT64),  # embedded, the last norm, targets
        making=(INT64 + 4) * (positions if dense else tokens) * keys,
        mlp=positions * (4 * size * dim + arriving - noise) - tokens * size * dim,
    )


def _moments(config: Config, batch: Batch, held: _Held) -> Iterator[dict[str, int]]:
    """Bytes by part at the moments of an update that can be the fullest, first to last; gradients are fp32 throughout."""
    model, total = config.model, FP32 * sum(parameters(config).values())
    matrix, table = FP32 * model.dim**2, FP32 * model.vocabulary * model.dim
    tokens, positions = (batch.rows * length for length in (batch.sequence_length, model.bars + batch.sequence_length))
    older = total if batch.accumulation > 1 else 0
    yield {"masks": held.making, "gradients": older}
    yield {"activations": model.depth * held.layer + held.ends, "masks": model.depth * held.masks,
           "loss": 3 * FP32 * tokens * model.vocabulary, "gradients": older}  # log-probabilities, two gradients
    for index in reversed(range(model.depth)):
        newer = older or (model.depth - 1 - index) * 14 * matrix
        yield {"activations": (index + 1) * held.layer + held.ends, "masks": (index + 1) * held.masks,
               "gradients": newer + table + 4 * matrix, "workspace": held.mlp}
    yield {"gradients": total + table + (table if older else 0),
           "workspace": FP32 * positions * model.dim + max(table, FP32 * tokens * model.dim)}


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence: checked on a CPU, which always runs eager fp32."""
    if kind == "cpu":
        return "estimated", "closed form for eager fp32 with masks; checked against the profiler by benchmarks/memory"
    how = f"closed form for {precision} with FlexAttention, from what autograd keeps; no step on a GPU has been measured"
    return "unverified", how + (", and a compiled one keeps less or more" if compiled else "")
