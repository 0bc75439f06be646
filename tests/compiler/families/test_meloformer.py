"""What the compiler knows of the MeloFormer family: sizes, epochs, the checks that it shares with the GPT."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path

import pytest

from expc.compiler.contract.families.meloformer import Config, Data, Model
from expc.compiler.contract.training import Batch
from expc.compiler.families import meloformer
from expc.compiler.pipeline import Session

ROOT = Path(__file__).parents[3]
BASE = Config(Model(12, 704, 11, 8192, 384, 1e5, 0.1), Data("folder", "data/midi", None, 58594, 1, 0.02))


def codes(*overrides: str, profile: str | None = None) -> list[str]:
    """What is said of the small spec with some values changed."""
    compiled = Session(ROOT, profile).compile(ROOT / "specs" / "meloformer_small.yaml", overrides)
    return [found.code for found in compiled.diagnostics]


def test_counts_parameters_by_module() -> None:
    assert meloformer.parameters(BASE) == {
        "token_embedding": 511 * 704, "summary_token": 704, "attention": 4 * 12 * 704**2,
        "summary_projection": 2 * 12 * 704**2, "mlp": 8 * 12 * 704**2}


def test_operations_count_the_summaries_and_leave_attention_out() -> None:
    each, summaries = 12 * 12 * 704**2, 14 * 12 * 704**2
    assert meloformer.flops_per_token(BASE, 8192) == 6 * (8192 * (each + 511 * 704) + 384 * summaries) // 8192
    assert meloformer.chance_loss(BASE) == math.log(511)


def test_memory_on_a_cpu_by_hand() -> None:
    """At the loss: weights and moments, 21 x dim a layer and position, fp32 masks a layer, three times the logits."""
    config = Config(Model(3, 96, 4, 512, 32, 1e4, 0.0), Data("synthetic", None, 400, None, 1, 0.05))
    positions, tokens, summaries, total = 8 * 544, 8 * 512, 8 * 32, 436_224
    layer = positions * (21 * 96 + 2 * 24 + 4 + 2) + summaries * (2 * 96 + 24 + 1)
    for precision in ("fp32", "bf16"):  # a CPU computes in fp32
        assert meloformer.memory(config, Batch(8, 512, 1, 1), precision, False, "cpu") == {
            "weights": 4 * (total + 12), "optimizer_state": 8 * total,
            "activations": 4 * (3 * layer + positions * 96 + tokens * (96 + 3)), "masks": 4 * 3 * 8 * 544**2,
            "loss": 4 * 3 * tokens * 511}


def test_memory_on_a_gpu_is_half_the_activations_in_bf16_and_no_masks() -> None:
    batch = Batch(6, 8192, 8, 1)
    half, whole = (meloformer.memory(BASE, batch, precision, False, "cuda") for precision in ("bf16", "fp32"))
    assert 0.5 < half["activations"] / whole["activations"] < 0.6 and "masks" not in half
    assert meloformer.memory(BASE, batch, "fp32", False, "cpu")["masks"] == 4 * 12 * 6 * 8576**2


@pytest.mark.parametrize(("precision", "compiled", "kind", "method"), [
    ("fp32", False, "cpu", "estimated"), ("bf16", True, "cpu", "estimated"),
    ("fp32", False, "cuda", "unverified"), ("bf16", False, "cuda", "unverified"), ("bf16", True, "cuda", "unverified"),
])
def test_only_what_was_measured_counts_as_estimated(precision: str, compiled: bool, kind: str, method: str) -> None:
    assert meloformer.memory_method(precision, compiled, kind)[0] == method


def test_the_shipped_run_is_three_epochs_in_three_phases() -> None:
    experiment = Session(ROOT).compile(ROOT / "specs" / "meloformer_small.yaml").experiment
    assert experiment is not None
    training = experiment.training
    workers = {name: one.workers for name, one in experiment.loading.items()}
    assert [(phase.start, phase.end, phase.batch.rows, workers[phase.name]) for phase in training.phases] == [
        (0, 10, 1, 0), (10, 100, 1, 8), (100, training.steps, 6, 8)]
    served = training.served(training.steps)
    assert served is not None and 0 <= served.samples - 3 * 58594 < 48
    assert training.phases[0].rates == pytest.approx({"matrix": 6**-0.5, "embedding": 6**-0.5})


@pytest.mark.parametrize(("override", "code"), [
    ("model.heads=7", "E301"), ("data.pieces=400", "E302"), ("data.rows=null", "E416"), ("model.vocabulary=511", "E102"),
    ("schedule.rate_rule=null", "E412")])
def test_mistakes_are_said(override: str, code: str) -> None:
    assert code in codes(override)


def test_machines_are_compared_by_what_is_stated_of_them() -> None:
    from expc.compiler.documents.machines import machines

    experiment = Session(ROOT).compile(ROOT / "specs" / "meloformer_small.yaml").experiment
    assert experiment is not None
    own, other = machines(experiment)
    assert (own.on_line, other.on_line) == (False, True) and (own.most_rows, other.most_rows) == (9, 5)
    assert (own.memory, other.memory) == (80e9, 48e9)  # in the gigabytes that the peaks are stated in
    assert own.peak and other.peak and own.peak.low == 52e9 and other.peak.low == pytest.approx(52e9)
    assert own.time and own.time.low / 3600 == pytest.approx(40, rel=0.01)
    assert own.cost and own.cost.low == pytest.approx(355, rel=0.01)
    assert (other.speed, other.time, other.cost) == (None, None, None)  # 6 rows do not fit, and its speed is a guess


def test_a_machine_that_was_measured_and_holds_the_rows_has_time_and_cost() -> None:
    from expc.compiler.documents.machines import machines

    one = '{target: rtx_6000_ada, rows: 4, device_memory: 48GB, tokens_per_second: 9k, estimated: %s}'
    for estimated in ("true", "false"):
        experiment = Session(ROOT).compile(ROOT / "specs" / "meloformer_small.yaml", (
            "batch.rows=4", "batch.total_tokens=262144", "phases=[]", f"claims.machines.2={one % estimated}")).experiment
        assert experiment is not None
        other = machines(experiment)[1]
        assert other.most_rows == 5 and (other.cost is None) == (estimated == "true")


def test_the_schema_is_closed_and_explains_every_key() -> None:
    fragment = json.loads(files("expc.compiler.families").joinpath(meloformer.SCHEMA_FILE).read_text(encoding="utf-8"))
    for section in (fragment["properties"][name] for name in ("model", "data", "optimizer")):
        assert section["additionalProperties"] is False
        assert all(key.get("description") for key in section["properties"].values())
