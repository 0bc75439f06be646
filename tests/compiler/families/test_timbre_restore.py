"""What the compiler knows of timbre_restore: quantities read, rates as written, parameters by hand, a closed schema; and what
its checks say at the edges that the handbook's examples do not show."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from expc.compiler.contract.phases import Batch
from expc.compiler.contract.quantities import NotAQuantity
from expc.compiler.families import timbre_restore as family
from expc.compiler.pipeline import Compiled, Session

EXAMPLES = Path(__file__).parents[1] / "examples"
SPEC = {
    "model": {"sample_rate": 8000, "segment": 64, "fft": [16],
              "generator": {"channels": [2, 3], "stride": 2, "recurrent": 2, "gate": -2},
              "discriminators": {"scales": 1, "periods": [2], "width": 1},
              "losses": {"l1": 3, "mrstft": 3, "adversarial": 1, "feature_matching": 2}},
    "data": {"source": "synthetic", "clips": "10k", "valid_clips": 50, "seed": 7,
             "degradation": {"cutoff": [1000, 2000], "drive": [1, 2], "snr": [20, 30]}},
    "optimizer": {"generator_lr": 2e-4, "discriminator_lr": 1e-4, "weight_decay": 0.01, "beta1": 0.8, "beta2": 0.99,
                  "epsilon": 1e-8},
}


def compiled(tmp_path: Path, text: str) -> Compiled:
    """A spec over the family's example spec."""
    (tmp_path / "specs").mkdir()
    for path in (EXAMPLES / "specs").glob("*.yaml"):
        (tmp_path / "specs" / path.name).write_bytes(path.read_bytes())
    spec = tmp_path / "specs" / "child.yaml"
    spec.write_text(yaml.safe_dump({"extends": "timbre.yaml", "name": "child"} | yaml.safe_load(text)), encoding="utf-8")
    return Session(tmp_path).compile(spec)


def codes(tmp_path: Path, text: str) -> list[str]:
    return [one.code for one in compiled(tmp_path, text).diagnostics]


def test_reads_quantities_and_knows_an_epoch() -> None:
    config = family.config(SPEC)
    assert (family.epoch_samples(config), family.sample_length(config)) == (10_000, 64)
    assert config.model.generator.hop == 4 and config.data.degradation.snr == (20.0, 30.0)
    with pytest.raises(NotAQuantity):
        family.config(SPEC | {"data": SPEC["data"] | {"clips": "many"}})


def test_rates_are_the_specs_whatever_the_batch() -> None:
    for rows in (1, 64):
        groups = family.groups(SPEC, family.config(SPEC), Batch(rows, 64, 1, 1))
        assert [(one.name, one.optimizer, one.rate, one.weight_decay) for one in groups] == [
            ("generator", "generator", 2e-4, 0.01), ("discriminators", "discriminators", 1e-4, 0.01)]


def test_counts_parameters_by_hand() -> None:
    """Levels 1 -> 2 -> 3, kernel 4; mixes c -> 2c; two GRU layers of 3; up 3 -> 2 -> 2 (residual and gate)."""
    mixes = (2 * 4 + 4) + (3 * 6 + 6)
    counted = family.parameters(family.config(SPEC))
    assert counted["encoder"] == (1 * 2 * 4 + 2) + (2 * 3 * 4 + 3) + mixes
    assert counted["recurrent"] == 2 * 3 * (3 * 3 + 3 * 3 + 3 + 3)
    assert counted["decoder"] == (3 * 2 * 4 + 2) + (2 * 2 * 4 + 2) + mixes
    layers = [(1, 1, 5), (1, 4, 5), (4, 16, 5), (16, 32, 5), (32, 32, 5), (32, 1, 3)]
    assert counted["period_discriminators"] == sum(into * out * kernel + 2 * out for into, out, kernel in layers)


def test_claims_no_time_that_nobody_worked_out(tmp_path: Path) -> None:
    experiment = compiled(tmp_path, "hardware: {target: rtx_4090}").experiment
    assert experiment is not None
    figures = {one.name: one.value for one in experiment.predictions.figures}
    assert figures["train_time"] is None and "chance_loss" not in figures
    assert figures["epochs"] == 300 * 16 / 160 and figures["tokens"] == 300 * 16 * 4096
    assert experiment.counted == "frames"


def test_memory_by_hand() -> None:
    """Fullest as feature matching ends: the generator's activations, its spectra, features of restored and of clean audio and
    their differences."""
    config, rows = family.config(SPEC), 400
    count = family.parameters(config)
    judges, total = count["scale_discriminators"] + count["period_discriminators"], sum(count.values())
    levels = (1 + 2) * (64 + 2) + 8 * 2 * 32 + (2 + 2) * (32 + 2) + 8 * 3 * 16
    scale = 4 * 64 + 4 * 32 + 8 * 16 + 16 * 4 + 32 + 32 + 32 + 1
    period = 2 * (11 + 4 * 4 + 16 * 2 + 32 + 32 + 1)
    graph = rows * (2 * (scale + period) - (1 + 2) + 64) + judges
    assert family.memory(config, Batch(rows, 64, 1, 1), "fp32", False, "cpu") == {
        "weights": 4 * total, "optimizer_state": 8 * total, "inputs": 4 * 3 * rows * 64,
        "generator_activations": 4 * rows * (64 + levels + 9 * 2 * 3 * 16),
        "spectra": 4 * rows * (64 + 9 * 17 * 9),
        "discriminator_activations": 4 * (graph + 2 * rows * (scale + period))}


def test_memory_of_few_excerpts_is_fullest_in_the_discriminators_and_of_accumulation_holds_gradients() -> None:
    config = family.config(SPEC)
    few = family.memory(config, Batch(1, 64, 1, 1), "fp32", False, "cpu")
    assert "generator_activations" not in few
    once, twice = (family.memory(config, Batch(400, 64, count, 1), "fp32", False, "cpu") for count in (1, 2))
    generator = sum(family.parameters(config)[part] for part in ("encoder", "recurrent", "decoder"))
    assert twice == once | {"gradients": 4 * generator}


def test_the_phase_of_the_peak_is_named_only_where_phases_differ(tmp_path: Path) -> None:
    for number, batch in enumerate(("", ", batch: {rows: 8, accumulation: 2}")):
        (folder := tmp_path / str(number)).mkdir()
        experiment = compiled(folder, f"phases: [{{name: all, to: 10{batch}}}, {{name: last, from: 10}}]").experiment
        assert experiment is not None
        how = {one.name: one.how for one in experiment.predictions.figures}["peak_memory"]
        assert how.endswith("in the phase last") == bool(batch) and (batch or "phase" not in how)


def test_the_schema_is_closed_and_explains_every_key() -> None:
    def walk(section: dict[str, object], place: str) -> None:
        assert section["additionalProperties"] is False, place
        properties = section["properties"]
        assert isinstance(properties, dict)
        for name, key in properties.items():
            assert key.get("description"), f"{place}.{name}"
            assert not ("default" in key and name in section.get("required", [])), name  # type: ignore[operator]
            if "properties" in key:
                walk(key, f"{place}.{name}")

    fragment = json.loads(files("expc.compiler.families").joinpath(family.SCHEMA_FILE).read_text(encoding="utf-8"))
    for name in ("model", "data", "optimizer", "batch"):
        walk(fragment["properties"][name], name)


@pytest.mark.parametrize(("text", "code"), [
    ("model: {segment: 1024}", "E105"),
    ("model: {fft: [8192]}", "E490"),
    ("data: {path: my_music}", "E491"),
    ("data: {degradation: {snr: [30, 20]}}", "E492"),
    ("guards: [{when: no improvement of valid_total for 3 validations, then: warn}]", "E493"),
    ("phases: [{name: all, to: 100, frozen: [discriminators]}]", "W490"),
    ("phases: [{name: all, losses: {adversarial: 0, feature_matching: 0}}]", "W490"),
    ("milestones: [{metric: valid_d_fake, by: 200, below: 0.2}]", "W491"),
    ("batch: {ranks: 2}\nhardware: {target: rtx_4090}", "E304"),
    ("eval: {suites: {structure: {weight: 100%}}}", "E109"),
])
def test_what_the_checks_say(tmp_path: Path, text: str, code: str) -> None:
    assert code in codes(tmp_path, text)


@pytest.mark.parametrize("text", [
    "phases: []\nmodel: {losses: {adversarial: 0.5}}\ncheckpoint: {keep_best: {metric: valid_total}}",
    "checkpoint: {keep_best: {metric: valid_mrstft}}",
    "guards: [{when: no improvement of valid_loss for 3 validations, then: warn}]",
    "milestones: [{metric: valid_d_real, by: 200, at_most: 0.5}]",
])
def test_what_the_checks_let_pass(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, text) == []
