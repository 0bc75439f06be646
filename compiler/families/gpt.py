"""What the compiler knows of the GPT family without torch: its part of the schema, parameters, memory, FLOPs, names.

The model is nanochat-style (`docs/gpt.md`); its `Config` is in the contract, what trains it in the runtime.
"""

from __future__ import annotations

import math
from typing import Any

from ..contract.families.gpt import Config, Data, Model
from ..contract.metrics import Metric
from ..contract.quantities import parse, parse_count
from ..contract.training import Batch, ParameterGroup

SCHEMA_FILE = "gpt.schema.json"
METRICS = (Metric("tunes_loss", "nats", "lower"), Metric("valid_bits_per_byte", "bits", "lower"))
INDICATORS = ("has_title", "has_track", "has_braces", "has_instrument", "has_tempo", "has_staff", "has_bars",
              "has_fret_number", "has_dot_separator", "valid_format", "has_rhythm", "has_parentheses",
              "has_fret_numbers", "has_rhythm_dot", "has_effects", "is_valid")
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


def flops_per_token(config: Config) -> int:
    """FLOPs of forward and backward a token: 6 a matrix parameter plus 12 x depth x dim x length for attention.

    Chowdhery et al. 2022 (PaLM), appendix B; embeddings look up and do not multiply.
    """
    model, count = config.model, parameters(config)
    matrices = count["attention"] + count["mlp"] + count["head"]
    return 6 * matrices + 12 * model.depth * model.dim * model.sequence_length


def chance_loss(config: Config) -> float:
    """ln of the vocabulary, in nats: the loss of a model that finds every token equally likely."""
    return math.log(config.model.vocabulary)


def memory(config: Config, batch: Batch, precision: str, compiled: bool) -> dict[str, int]:
    """Bytes by part at a step's peak, eager fp32: parameters, gradients, moments, what backward keeps, the loss.

    A layer keeps, a token: 8 x dim for attention (input, its norm, q, k, v with their rotated and normed forms, output)
    and 14 x dim for the MLP (norm, hidden 4 x dim before and after relu and squared), in fp32; the loss holds logits,
    their softcapped form and log-probabilities with their gradient.
    """
    model, count = config.model, parameters(config)
    total = sum(count.values())
    matrices = count["attention"] + count["mlp"]
    tokens = batch.rows * batch.sequence_length
    return {
        "weights": FP32 * total,
        "gradients": FP32 * total,
        "optimizer_state": FP32 * (2 * (total - matrices) + matrices),
        "activations": FP32 * tokens * model.dim * 24 * model.depth,
        "loss": FP32 * tokens * model.vocabulary * 4,
    }


def memory_method(precision: str, compiled: bool, kind: str) -> tuple[str, str]:
    """How `memory` was got, as a method word and a sentence: checked in eager fp32 on a CPU, elsewhere not."""
    if precision == "fp32" and not compiled and kind == "cpu":
        return "estimated", "closed form for eager fp32; checked against the profiler by benchmarks/memory_gpt.py"
    return "unverified", "closed form for eager fp32; bf16, CUDA and compiled steps have not been measured"
