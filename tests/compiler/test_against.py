"""Factor by factor: ratios that say when there is none, and parts of each module that add up to the whole."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract import against
from expc.compiler.contract.experiment import Against, Experiment
from expc.compiler.contract.promises import Prediction, Predictions
from expc.compiler.contract.rendering import Words
from expc.compiler.pipeline import Session

ROOT = Path(__file__).parents[2]
WORDS = Words("en", "glyphs")


def experiment() -> Experiment:
    made = Session(ROOT, "high_quality").compile(ROOT / "specs" / "glyph_vae.yaml").experiment
    assert made is not None
    return made


@pytest.mark.parametrize(("before", "after", "said"), [
    (2, 8, "× 4"), (8, 2, "× 0.25"), (5, 5, "="), (0, 0, "="), (0, 5, "–"), (None, 5, "–"), (5, None, "–"),
    (0.3, 0.1 + 0.2, "="), (55_882_816, 56_472_640, "× 1.01"), (19_307_298_816, 19_308_478_464, "× 1.00006"),
    (1000, 999.9, "× 0.9999"), (1000, 1000.4, "× 1.0004"), (3, 0, "× 0"),
])
def test_a_ratio_is_said_as_exactly_as_it_takes_to_tell_it_from_one(before: float, after: float, said: str) -> None:
    assert against.times(before, after) == said


@given(st.floats(1e-6, 1e12), st.floats(1e-6, 1e12))
def test_only_what_is_the_same_is_said_to_be(before: float, after: float) -> None:
    said = against.times(before, after)
    same = abs(before - after) <= against.NOT_APART * max(before, after)
    assert (said == against.EQUAL) == same
    assert same or float(said[2:]) != 1 or abs(after / before - 1) < 1e-8


def test_parts_by_module_add_up_to_the_whole() -> None:
    predicted = experiment().predictions
    whole = {one.name: one.value for one in predicted.figures}
    assert sum(against.seconds(predicted).values()) == pytest.approx(whole["train_time"])
    assert sum(against.stays(predicted).values()) == sum(predicted.memory[part] for part in against.STAYS) > 0


def test_memory_by_module_is_said_only_where_every_parameter_takes_the_same() -> None:
    """Muon keeps one moment of a matrix, and an adapter's frozen base has none: of these nothing is known by module."""
    parameters = {"a": 10, "b": 20}
    adamw = {"weights": 120, "optimizer_state": 240, "activations": 5}
    assert against.stays(Predictions(parameters, adamw, ())) == {"a": 120, "b": 240}
    for other in ({"optimizer_state": 200}, {"weights": 60}):
        assert against.stays(Predictions(parameters, adamw | other, ())) == {}
    assert against.stays(Predictions(parameters, {}, ())) == {}


def test_a_part_that_one_form_lacks_is_a_dash() -> None:
    made = experiment()
    ours, theirs = Predictions({"decoder": 3}, {}, ()), Predictions({"decoder": 3, "mlp": 2}, {}, ())
    made = replace(made, against=Against("other", (), theirs), predictions=ours)
    assert [(one.label, one.theirs, one.ours, one.times) for one in against.rows(made, WORDS)] == [
        ("Decoder", "3", "3", "="), ("MLP", "2", "–", "–")]
    assert against.rows(replace(made, against=None), WORDS) == ()


def test_a_lower_bound_is_marked_on_both_sides() -> None:
    time = Prediction("train_time", 4.0, "seconds", "lower_bound", "")
    ours = Predictions({}, {}, (time,), {"decoder": 30, "posterior": 1})
    made = replace(experiment(), predictions=ours)
    made = replace(made, against=Against("other", (), replace(ours, figures=(replace(time, value=None),))))
    shown = {one.label: (one.theirs, one.ours, one.times) for one in against.rows(made, WORDS)}
    assert shown["Time of: Posterior head"] == ("–", "≥ 0.13 s", "–")
    assert shown["**Training time**"] == ("–", "≥ 4.0 s", "–")


def test_no_row_of_the_shipped_spec_calls_different_figures_once_as_much() -> None:
    rows = against.rows(experiment(), WORDS)
    assert {one.label: one.times for one in rows}["Time of: Vector prefix encoder"] == "="
    assert not [one for one in rows if re.fullmatch(r"× 1(\.0*)?", one.times)]
    assert len([one for one in rows if one.label.startswith("Weights and optimizer state of: ")]) == 7
