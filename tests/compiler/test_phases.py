"""Phases: lengths become steps, ranges become a partition of the run, and counters agree with a count one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.phases import Batch, Served
from expc.compiler.contract.quantities import NotAQuantity
from expc.compiler.contract.training import ParameterGroup
from expc.compiler.lowering.lengths import Clock, Length, NoEpoch, parse_length, period
from expc.compiler.lowering.phases import Phasing

BASE = Batch(2, 8, 2, 1)
GROUP = ParameterGroup("matrix", "muon", "muon", 0.1, 0.1, 0.0, {})

END, BEGIN = Length(1000, "steps"), Clock(0, Served(0, 0), 100)


def phasing(phases: list[dict[str, Any]], end: Length = END, clock: Clock = BEGIN, **schedule: Any) -> Phasing:
    plain = {"phases": phases, "compile": False, "schedule": schedule}
    return Phasing(plain, BASE, (GROUP,), clock, end)


@pytest.mark.parametrize(("written", "number", "unit"), [
    (100, 100, "steps"), ("20k", 20_000, "steps"), ("1 step", 1, "steps"), ("5 epochs", 5, "epochs"),
    ("0.5 epochs", 0.5, "epochs"), ("2M tokens", 2_000_000, "tokens"), ("10k samples", 10_000, "samples")])
def test_a_length_is_a_number_and_a_unit(written: int | str, number: float, unit: str) -> None:
    assert parse_length(written) == Length(number, unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("written", ["5 fortnights", "half an epoch", "1.5 steps", "-3", ""])
def test_what_is_no_length_is_refused(written: str) -> None:
    with pytest.raises(NotAQuantity):
        parse_length(written)


def test_an_epoch_of_unknown_size_says_so() -> None:
    with pytest.raises(NoEpoch, match="not known before the data is prepared"):
        period("1 epoch", BASE, None)
    assert period("1 epoch", BASE, 10) == 3  # 4 samples an update: the third finishes the ten


def test_what_no_phase_covers_runs_as_the_rest_says() -> None:
    made = phasing([{"name": "warm", "from": 100, "to": 200}, {"name": "late", "from": 900}]).run()
    assert [(one.name, one.start, one.end) for one in made] == [
        ("rest", 0, 100), ("warm", 100, 200), ("rest", 200, 900), ("late", 900, 1000)]


def test_every_overlap_is_reported() -> None:
    work = phasing([{"name": "a", "to": 600}, {"name": "b", "from": 500, "to": 800}, {"name": "c", "from": 700}])
    work.run()
    assert [(one.code, one.key) for one in work.found] == [("E410", "phases.1.from"), ("E410", "phases.2.from")]
    assert "b lasts until step 800: 100 steps" in work.found[1].message


def test_the_rule_for_the_batch_and_the_phases_own_factors_multiply() -> None:
    said = [{"name": "big", "batch": {"rows": 8}, "rate": "50%", "rates": {"matrix": 3}}]
    factors = {rule: phasing(said, rate_rule=rule).run()[0].rates.get("matrix") for rule in ("keep", "linear", "sqrt")}
    assert factors == {"keep": 1.5, "linear": 6.0, "sqrt": 3.0}


def test_a_resumed_run_counts_its_parents_samples() -> None:
    clock = Clock(50, Served(200, 1600), 100)
    made = phasing([{"name": "second", "to": "3 epochs"}], Length(5, "epochs"), clock).run()
    assert [(one.name, one.start, one.end) for one in made] == [("second", 50, 75), ("rest", 75, 125)]


@pytest.mark.parametrize(("phases", "code"), [
    ([{"name": "a", "to": 200}, {"name": "b", "from": 150}], "E410"),
    ([{"name": "a", "to": "15 epochs"}, {"name": "b", "from": "5 epochs", "to": "20 epochs"}], "E410"),
    ([{"name": "a", "from": 200, "to": 200}], "E411"),
    ([{"name": "a", "to": 200}, {"name": "b", "to": 100}], "E411")])
def test_ranges_that_overlap_or_are_empty_are_problems(phases: list[dict[str, Any]], code: str) -> None:
    work = phasing(phases)
    work.run()
    assert [one.code for one in work.found] == [code]


lengths = st.one_of(st.integers(1, 400).map(str), st.integers(1, 12).map(lambda n: f"{n} epochs"),
                    st.integers(1, 3000).map(lambda n: f"{n} tokens"), st.integers(1, 900).map(lambda n: f"{n} samples"))


@given(st.lists(st.tuples(lengths, st.integers(1, 5), st.integers(1, 8)), max_size=4), lengths)
def test_phases_partition_the_run_and_end_where_their_length_is_reached(said: list[tuple[str, int, int]], end: str) -> None:
    phases = [{"name": f"p{i}", "to": to, "batch": {"rows": rows, "sequence_length": length}}
              for i, (to, rows, length) in enumerate(said)]
    work = phasing(phases, parse_length(end))
    made = work.run()
    assert made[0].start == 0 and made[-1].end == max(one.end for one in made)
    assert all(one.end == other.start and one.start < one.end for one, other in zip(made, made[1:], strict=False))
    samples, tokens, limits = 0, 0, {one["name"]: parse_length(str(one["to"])) for one in phases}
    for one in made:
        limit = limits.get(one.name, parse_length(end))
        for step in range(one.start, one.end):
            assert not _reached(limit, step, samples, tokens), "an update behind the length"
            samples, tokens = samples + one.batch.samples, tokens + one.batch.tokens
        is_over = _reached(parse_length(end), one.end, samples, tokens)
        assert is_over or _reached(limit, one.end, samples, tokens), "the phase ended early"


def _reached(length: Length, step: int, samples: int, tokens: int) -> bool:
    counted = {"steps": step, "samples": samples, "tokens": tokens, "epochs": samples / 100}
    return counted[length.unit] >= length.number
