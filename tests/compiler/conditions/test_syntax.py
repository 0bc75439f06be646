"""Conditions as text: what can be read, what is printed, what is wrong and where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expc.compiler.contract.conditions import ConditionError, metrics_of, parse
from expc.compiler.contract.conditions.syntax import Condition
from tests.compiler.conditions.strategies import conditions

CANONICAL = {
    "loss is not finite": "loss is not finite",
    "loss > 10 x median(200 steps)": "loss > 10 * median(loss, 200 steps)",
    "loss > 10x median(200 steps)": "loss > 10 * median(loss, 200 steps)",
    "loss ≥ 10 × median(1 step)": "loss >= 10 * median(loss, 1 steps)",
    "d_real == 0 for 100 steps": "d_real == 0 for 100 steps",
    "gpu_util < 50% for 10m": "gpu_util < 50% for 10m",
    "no improvement of valid_loss for 5 epochs": "no improvement of valid_loss for 5 epochs",
    "no improvement of valid_loss by 0.01 for 3 validations": "no improvement of valid_loss by 0.01 for 3 validations",
    "out of memory": "out of memory",
    "no data for 60s": "no data for 60s",
    "no  progress for 1.5h": "no progress for 1.5h",
    "mean(loss, 100 steps) > mean(loss, 1k steps) * 1.2": "mean(loss, 100 steps) > mean(loss, 1000 steps) * 1.2",
    "((grad_norm > 1_00)) and step > 500": "grad_norm > 100 and step > 500",
    "not (a > 1 or b > 2) for 3 steps": "not (a > 1 or b > 2) for 3 steps",
    "(a > 1 and b > 2) or c > 3": "a > 1 and b > 2 or c > 3",
    "a > 1 and (b > 2 or c > 3)": "a > 1 and (b > 2 or c > 3)",
    "abs(d_real - d_fake) / d_real > 0.5": "abs(d_real - d_fake) / d_real > 0.5",
    "a / b > 2 x median(3 steps)": "a / b > 2 * median(a / b, 3 steps)",
    "x > 2 x x": "x > 2 * x",
    "rate.matrix > 2e-3": "rate.matrix > 0.002",
    "memory > 7.5GB": "memory > 7.5GB",
    "a - (b - c) > -(d + 1)": "a - (b - c) > -(d + 1)",
}


@pytest.mark.parametrize("text", CANONICAL)
def test_it_reads_and_prints(text: str) -> None:
    assert str(parse(text)) == CANONICAL[text]


@settings(max_examples=400, deadline=None)
@given(conditions)
def test_what_is_printed_reads_back(condition: Condition) -> None:
    assert parse(str(condition)) == condition
    assert str(parse(str(condition))) == str(condition)


@pytest.mark.parametrize(("text", "column", "message"), [
    ("", 1, "expected a metric, a number or a function, found the end"),
    ("loss", 1, "`loss` is a value and no condition"),
    ("loss of 3", 6, "expected a comparison (<, <=, >, >=, ==, !=, is), found \"of\""),
    ("loss > ", 8, "expected a metric, a number or a function, found the end"),
    ("loss = 3", 6, "equality is =="),
    ("loss > 3 > 2", 10, "a comparison has two sides"),
    ("loss > 3 foo", 10, "expected and, or, for, or the end, found \"foo\""),
    ("loss > 5q", 8, "\"q\" is no unit"),
    ("loss is big", 9, "expected \"finite\", found \"big\""),
    ("loss > 3 for ever", 14, "expected a span such as 100 steps"),
    ("loss > 3 for 5", 14, "a span is a count of steps"),
    ("loss > 3 for 5%", 14, "a span is a count of steps"),
    ("loss > 3 for 0 steps", 14, "more than 0"),
    ("loss > 3 for 1.5 steps", 14, "whole"),
    ("mean(loss, 20000 steps) > 1", 12, "at most 10,000"),
    ("mean(loss, 10m) > 1", 12, "counted in steps or validations"),
    ("mean(loss 3 steps) > 1", 11, "expected \",\""),
    ("mean(max(loss, 3 steps), 3 steps) > 1", 6, "a window cannot stand in another one"),
    ("median(200 steps) > 3", 1, "say of what: median(loss, 200 steps)"),
    ("std(loss, 3 steps) > 1", 1, "there is no function std"),
    ("no data for 5 steps", 13, "measured in time"),
    ("no luck for 5s", 4, "expected improvement, data or progress"),
    ("no improvement of 3 for 5 steps", 19, "expected a metric"),
    ("(loss > 3) + 1 > 2", 2, "`loss > 3` is a condition, and a value has to stand here"),
    ("loss > 1e999", 8, "too large"),
    ("(" * 30 + "loss", 21, "more than 20 levels"),
    ("loss > 1" + " + 1" * 100, 304, "at most 150"),
    ("loss > " + "1" * 500, 500, "at most 500"),
    ("loss & 3", 6, "\"&\" belongs to no condition"),
    ("(loss + loss + loss) * 1 > " + " + ".join(["max(2 steps)"] * 18), 148, "at most"),
])
def test_it_says_what_is_wrong_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionError) as error:
        parse(text)
    assert message in error.value.message
    assert error.value.column == column or message == "at most"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="loss>x ()10%m,steps./-*for=nod\n", max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        parse(text)
    except ConditionError as error:
        assert 1 <= error.column <= len(text) + 1 and error.message


def test_the_metrics_that_it_reads() -> None:
    assert metrics_of(parse("loss > 2 x median(9 steps) and a / loss < b or no improvement of c for 3 steps")) == (
        "loss", "a", "b", "c")
