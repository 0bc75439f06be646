"""What the compiler knows of the GPT family: rates scaled as nanochat does, sizes, memory at the fullest moment."""

from __future__ import annotations

import json
import math
from importlib.resources import files

import pytest

from expc.compiler.contract.families.gpt import Config, Data, Model
from expc.compiler.contract.quantities import NotAQuantity
from expc.compiler.contract.training import Batch
from expc.compiler.families import gpt

FULL = Config(Model(8, 256, 4, 8192, 1024, 100000.0, 15.0), Data("synthetic", None, 20000, 7, 0.05, True))
SPEC = {
    "model": {"depth": 8, "dim": 256, "heads": 4, "vocabulary": 8192, "sequence_length": 1024, "rope_base": 100000,
              "logit_softcap": 15},
    "data": {"source": "synthetic", "pieces": "20k", "seed": 7, "valid_fraction": "5%", "tunes": True},
    "optimizer": {"embedding_lr": 0.22, "unembedding_lr": 0.003, "matrix_lr": 0.016, "weight_decay": 0.12,
                  "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-10, "momentum": 0.95},
}
BATCH = Batch(4, 1024, 1, 1)


def test_reads_quantities_of_the_spec() -> None:
    assert gpt.config(SPEC) == FULL


def test_refuses_what_is_no_quantity() -> None:
    with pytest.raises(NotAQuantity):
        gpt.config(SPEC | {"data": SPEC["data"] | {"pieces": "many"}})


def test_scales_rates_as_nanochat_does() -> None:
    """At 4,096 tokens an update and width 256; the figures were read off nanochat's own scaling."""
    rates = {group.name: group.rate for group in gpt.groups(SPEC, FULL, BATCH)}
    assert rates == pytest.approx({"embedding": 0.03368, "value_embeddings": 0.01684, "unembedding": 0.000459,
                                   "matrix": 0.001414}, rel=1e-3)


def test_rates_at_the_reference_size_are_those_of_the_spec() -> None:
    config = Config(Model(12, 768, 6, 8192, 1024, 100000.0, 15.0), FULL.data)
    for group in gpt.groups(SPEC, config, Batch(512, 1024, 1, 1)):
        assert group.rate == pytest.approx(group.requested_rate)


def test_only_matrices_decay() -> None:
    assert {group.name: group.weight_decay for group in gpt.groups(SPEC, FULL, BATCH)} == {
        "embedding": 0.0, "value_embeddings": 0.0, "unembedding": 0.0, "matrix": 0.12}


def test_counts_parameters_by_module() -> None:
    table = 8192 * 256
    assert gpt.parameters(FULL) == {"token_embedding": table, "value_embeddings": 4 * table, "attention": 2_097_152,
                                    "mlp": 4_194_304, "head": table}
    assert sum(gpt.parameters(FULL).values()) == 6_291_456 + 1_536 * 8192


def test_counts_the_operations_of_matrices_and_attention() -> None:
    matrices = 6 * (12 * 8 * 256**2 + 8192 * 256)
    assert gpt.flops_per_token(FULL, 1024) == matrices + 6 * 8 * 256 * 1024


def test_chance_is_the_logarithm_of_the_vocabulary() -> None:
    assert gpt.chance_loss(FULL) == math.log(8192)


def test_memory_at_full_size_by_hand() -> None:
    """At the loss: weights, rotary factors, two moments of tables and one of matrices, 18 x dim a layer, 4 x logits."""
    tokens, total, matrices = 4096, 18_874_368, 6_291_456
    layer = tokens * (18 * 256 + 3 * 4 + 2) + 2 * 256**2
    assert gpt.memory(FULL, BATCH, "fp32", False, "cpu") == {
        "weights": 4 * (total + 2 * 1024 * 64),
        "optimizer_state": 4 * (2 * (total - matrices) + matrices),
        "activations": 4 * (8 * layer + tokens * (3 * 256 + 8)),
        "loss": 4 * 4 * tokens * 8192,
    }


def test_memory_of_few_tokens_is_fullest_in_the_optimizer() -> None:
    memory = gpt.memory(FULL, Batch(1, 16, 1, 1), "fp32", False, "cpu")
    assert set(memory) == {"weights", "optimizer_state", "gradients", "workspace"}
    assert memory["gradients"] == 4 * 18_874_368


def test_memory_of_accumulation_holds_gradients_beside_the_loss() -> None:
    once, twice = (gpt.memory(FULL, Batch(4, 1024, count, 1), "fp32", False, "cpu") for count in (1, 2))
    assert twice == once | {"gradients": 4 * 18_874_368}


@pytest.mark.parametrize(("precision", "compiled", "kind", "method"), [
    ("fp32", False, "cpu", "estimated"), ("fp32", True, "cpu", "estimated"), ("bf16", True, "cpu", "estimated"),
    ("fp32", False, "cuda", "unverified"), ("bf16", False, "cuda", "unverified"), ("bf16", True, "cuda", "unverified"),
])
def test_only_what_was_measured_counts_as_estimated(precision: str, compiled: bool, kind: str, method: str) -> None:
    assert gpt.memory_method(precision, compiled, kind)[0] == method


def test_the_schema_is_closed_and_explains_every_key() -> None:
    fragment = json.loads(files("expc.compiler.families").joinpath(gpt.SCHEMA_FILE).read_text(encoding="utf-8"))
    for section in (fragment["properties"][name] for name in ("model", "data", "optimizer")):
        assert section["additionalProperties"] is False
        assert set(section["required"]) - {"family"} <= set(section["properties"])
        for name, key in section["properties"].items():
            assert key.get("description"), name
            assert not ("default" in key and name in section["required"]), name


def test_an_experimenter_states_size_data_and_rates() -> None:
    fragment = json.loads(files("expc.compiler.families").joinpath(gpt.SCHEMA_FILE).read_text(encoding="utf-8"))
    stated = {"depth", "dim", "heads", "vocabulary", "sequence_length", "source", "seed", "valid_fraction",
              "embedding_lr", "unembedding_lr", "matrix_lr", "weight_decay"}
    sections = [fragment["properties"][name] for name in ("model", "data", "optimizer")]
    assert stated <= {key for section in sections for key in section["required"]}
