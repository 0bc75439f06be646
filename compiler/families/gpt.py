"""What the compiler knows of the GPT family without torch: its part of the schema, parameters, memory, FLOPs, names.

The model is nanochat-style (`docs/gpt.md`); its `Config` is in the contract, what trains it in the runtime.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..contract.families.gpt import Config, Data, Model
from ..contract.metrics import Metric
from ..contract.quantities import parse, parse_count
from ..contract.training import Batch, ParameterGroup

SCHEMA_FILE = "gpt.schema.json"
QUANTITIES = (("data.pieces", "positive"), ("data.valid_fraction", "fraction"))
METRICS = (Metric("tunes_loss", "nats", "lower"), Metric("valid_bits_per_byte", "bits", "lower"))
EVALUATED: tuple[Metric, ...] = ()
LOGGED = (Metric("loss", "nats", "lower"), Metric("grad_norm", "number", None))
SPLITS_BATCH = True
COUNTED = "tokens"
LOSS_UNIT = "nats"
INDICATORS = ("has_title", "has_track", "has_braces", "has_instrument", "has_tempo", "has_staff", "has_bars",
              "has_fret_number", "has_dot_separator", "valid_format", "has_rhythm", "has_parentheses",
              "has_fret_numbers", "has_rhythm_dot", "has_effects", "is_valid")
LOSSES: tuple[str, ...] = ()
"""Names of the losses whose weights a phase may change."""
REFERENCE_TOKENS = 2**19
REFERENCE_DIM = 768
FP32 = 4


def config(plain: dict[str, Any]) -> Config:
    """The frozen configuration of a valid spec's `model` and `data`. Raises `NotAQuantity`."""
    model, data = plain["model"], plain["data"]
    pieces = data.get("pieces")
    return Config(
        Model(model["depth"], model["dim"], model["heads"], model["vocabulary"], model["sequence_length"],
              float(model["rope_base"]), float(model["logit_softcap"])),
        Data(data["source"], data.get("path"), None if pieces is None else parse_count(pieces), data["seed"],
             parse(data["valid_fraction"], "fraction"), data["tunes"]),
    )


def sample_length(config: Config) -> int:
    """Tokens of one sample."""
    return config.model.sequence_length


def watching(plain: dict[str, Any]) -> None:
    """Nothing: the loop trains it."""


def groups(plain: dict[str, Any], config: Config, batch: Batch) -> tuple[ParameterGroup, ...]:
    """The parameter groups with their effective peak rates, scaled as in nanochat's `GPT.setup_optimizer`.

    AdamW groups x (dim / 768)^-0.5, every group x sqrt(tokens an update / 2^19); value embeddings at half the
    embedding rate; weight decay on the matrices only.
    """
    said = plain["optimizer"]
    by_batch = math.sqrt(batch.tokens / REFERENCE_TOKENS)
    by_width = (config.model.dim / REFERENCE_DIM) ** -0.5
    adamw = {"beta1": float(said["beta1"]), "beta2": float(said["beta2"]), "epsilon": float(said["epsilon"])}
    rates = {"embedding": said["embedding_lr"], "value_embeddings": said["embedding_lr"] / 2,
             "unembedding": said["unembedding_lr"]}
    made = [ParameterGroup(name, "adamw", "adamw", float(rate), rate * by_width * by_batch, 0.0, adamw)
            for name, rate in rates.items()]
    matrix = ParameterGroup("matrix", "muon", "muon", float(said["matrix_lr"]), said["matrix_lr"] * by_batch,
                            float(said["weight_decay"]), {"momentum": float(said["momentum"])})
    return (*made, matrix)


def parameters(config: Config) -> dict[str, int]:
    """Exact parameter counts by module; without biases, norms and gates there is nothing else."""
    model = config.model
    table = model.vocabulary * model.dim
    return {
        "token_embedding": table,
        "value_embeddings": table * model.value_embeddings,
        "attention": 4 * model.depth * model.dim**2,
        "mlp": 8 * model.depth * model.dim**2,
        "head": table,
    }


def epoch_samples(config: Config) -> int | None:
    """Samples of one epoch: unknown here, since how many tokens the texts give is known only after preparation."""
    return None


def flops_per_token(config: Config, length: int) -> int:
    """FLOPs of forward and backward a token in rows of `length`: 6 a matrix parameter, 6 x depth x dim x length for attention.

    Chowdhery et al. 2022 (PaLM), appendix B, which counts twice as much for attention: a causal kernel computes half of
    it. Embeddings look up and do not multiply.
    """
    model, count = config.model, parameters(config)
    matrices = count["attention"] + count["mlp"] + count["head"]
    return 6 * matrices + 6 * model.depth * model.dim * length


def chance_loss(config: Config) -> float:
    """ln of the vocabulary, in nats: the loss of a model that finds every token equally likely."""
    return math.log(config.model.vocabulary)


def memory(config: Config, batch: Batch, precision: str, compiled: bool, kind: str) -> dict[str, int]:
    """Bytes by part at the fullest moment of an update, for eager fp32 with fused AdamW and torch's Muon.

    The moments compared: the loss's backward, the MLP and the attention of every layer in backward, and Muon. Gradients
    are freed after each update, so they stand beside the activations only where several micro-batches accumulate.
    """
    count = parameters(config)
    total, matrices = sum(count.values()), count["attention"] + count["mlp"]
    rotary = 2 * config.model.sequence_length * config.model.head_width
    fixed = {"weights": FP32 * (total + rotary), "optimizer_state": FP32 * (2 * (total - matrices) + matrices)}
    moments = list(_moments(config.model, batch))
    if batch.accumulation > 1:
        moments = [moment | {"gradients": FP32 * total} for moment in moments]
    # Newton-Schulz on the widest matrix: the update in fp32, its bf16 copies and products; 44 bytes x dim^2 in all.
    moments.append({"gradients": FP32 * total, "workspace": 44 * config.model.dim**2})
    fullest = max(moments, key=lambda moment: sum(moment.values()))
    return {part: bytes_ for part, bytes_ in (fixed | fullest).items() if bytes_}


def _moments(model: Model, batch: Batch) -> Iterator[dict[str, int]]:
    """Bytes by part at the moments of a backward pass that can be the fullest, first to last.

    A layer keeps a token's input, normalised input, rotated and normalised queries and keys, value and output of
    attention (8 x dim + 3 x heads + 1), input, normalised input and two hidden forms of the MLP (10 x dim + 1), and
    the joint weights of queries and keys. What backward holds for a short time only is counted in `workspace`.
    """
    tokens, dim = batch.rows * batch.sequence_length, model.dim
    attention = tokens * (8 * dim + 3 * model.heads + 1) + 2 * dim**2
    layer = attention + tokens * (10 * dim + 1)
    ends = tokens * (3 * dim + 8)  # embedded tokens, the last norm, token ids and targets in int64
    # Softcapped logits and log-probabilities, the gradient of each.
    yield _bytes(activations=model.depth * layer + ends, loss=4 * tokens * model.vocabulary)
    gradients = model.vocabulary * dim
    for index in reversed(range(model.depth)):
        yield _bytes(activations=(index + 1) * layer + ends, gradients=gradients + 4 * dim**2,
                     workspace=11 * tokens * dim)
        gradients += 12 * dim**2 + model.vocabulary * dim * model.has_value_embedding(index)
        yield _bytes(activations=index * layer + attention + ends, gradients=gradients, workspace=6 * tokens * dim)


def _bytes(**floats: int) -> dict[str, int]:
    return {part: FP32 * number for part, number in floats.items()}


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence: checked on a CPU, which always runs eager fp32."""
    if kind == "cpu":
        return "estimated", "closed form for eager fp32; checked against the profiler by benchmarks/memory"
    return "unverified", "closed form for eager fp32; bf16, CUDA and compiled steps have not been measured"
