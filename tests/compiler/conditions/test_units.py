"""Conditions against the metrics that there are: names, units, spans."""

from __future__ import annotations

import pytest

from expc.compiler.contract.conditions import ConditionError, parse
from expc.compiler.contract.conditions.units import check
from expc.compiler.contract.conditions.values import UnknownMetric
from expc.compiler.contract.metrics import LIVE, Metric, Signal

LOGGED = (Metric("loss", "nats", "lower"), Metric("grad_norm", "number", None), *LIVE)
KNOWN = {metric.name: Signal(metric, "step") for metric in LOGGED} | {
    "valid_loss": Signal(Metric("valid_loss", "nats", "lower"), "validation"),
    "bits": Signal(Metric("bits", "bits", "lower"), "validation")}


@pytest.mark.parametrize("text", [
    "loss is not finite", "loss > 3", "loss > 10 x median(200 steps)", "gpu_util < 50% for 10m", "gpu_util < 0.5",
    "valid_loss > 1.2 * loss", "memory > 6GB", "memory > 90% * 6GB", "step_seconds > 2 x median(99 steps)",
    "data_seconds / step_seconds > 50%", "mean(loss, 100 steps) - loss > 0.1", "abs(-grad_norm) > 1 and step > 500",
    "no improvement of valid_loss by 0.01 for 5 epochs", "mean(valid_loss, 3 validations) < valid_loss",
    "out of memory", "no data for 60s", "tokens_per_second < 1000", "step_seconds > 2s",
])
def test_what_makes_sense(text: str) -> None:
    check(parse(text), KNOWN)


@pytest.mark.parametrize(("text", "column", "message"), [
    ("memory > 10m", 1, "a size cannot be compared with a time"),
    ("memory > 6", 10, "6 needs a unit here, such as 6GB"),
    ("step_seconds > 2", 16, "2 needs a unit here, such as 10m"),
    ("memory > step", 1, "a size cannot be compared with a plain number"),
    ("gpu_util < 50", 12, "write 50% or a number up to 1"),
    ("loss > 50%", 1, "nats cannot be compared with a share"),
    ("loss > bits", 1, "nats cannot be compared with bits"),
    ("memory + step_seconds > 6GB", 1, "a time cannot be added to a size"),
    ("loss * memory > 1", 1, "nats cannot be multiplied by a size"),
    ("1 / step_seconds > 3", 1, "a plain number cannot be divided by a time"),
    ("mean(valid_loss, 100 steps) > 3", 18, "valid_loss is measured at validations; count the window in validations"),
    ("mean(loss, 3 validations) > 3", 12, "loss is measured after every step; count the window in steps"),
    ("mean(3, 3 steps) > 3", 1, "never changes"),
    ("3 > 2", 1, "reads no metric, and never changes"),
    ("no improvement of grad_norm for 3 steps", 19, "which way grad_norm gets better"),
    ("no improvement of loss by 3s for 3 steps", 1, "cannot be compared with"),
    ("out of memory or loss > 3", 1, "has to stand alone"),
    ("no progress for 5m for 3 steps", 1, "has to stand alone"),
])
def test_what_does_not(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionError) as error:
        check(parse(text), KNOWN)
    assert message in error.value.message and error.value.column == column


@pytest.mark.parametrize(("text", "column"), [
    ("los > 3", 1), ("loss > 3 and mean(los, 3 steps) > 3", 19), ("los is finite", 1)])
def test_a_name_that_nobody_knows(text: str, column: int) -> None:
    with pytest.raises(UnknownMetric) as error:
        check(parse(text), KNOWN)
    assert (error.value.name, error.value.column) == ("los", column)
