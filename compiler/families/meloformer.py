"""What the compiler knows of the MeloFormer family without torch: its part of the schema, parameters, memory, FLOPs, names.

The model is described in `docs/meloformer.md`; its `Config` is in the contract, what trains it in the runtime.
"""

from __future__ import annotations

import math
from typing import Any

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
FP32 = 4


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
    """Bytes by part of what follows from the parameters alone, in fp32 with AdamW; activations are not counted."""
    total = sum(parameters(config).values())
    return {"weights": FP32 * total, "optimizer_state": 2 * FP32 * total, "gradients": FP32 * total}


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """A lower bound: what activations take depends on the attention's kernel and on the music."""
    return "lower_bound", ("what follows from the parameters: weights, gradients and optimizer state; activations are not "
                           "counted")
