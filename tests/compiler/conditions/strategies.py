"""Random conditions and random runs for hypothesis. Values are small multiples of a quarter, so that sums are exact."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from expc.compiler.contract.conditions.computing import Moment
from expc.compiler.contract.conditions.syntax import Comparison, Finite, Lasting, Logical, NoImprovement, Not
from expc.compiler.contract.conditions.values import Absolute, Arithmetic, Name, Negative, Number, Span, Window

STEP_METRICS, VALIDATION_METRICS = ("loss", "x", "d.real"), ("valid_loss",)
quarters = st.integers(-40, 40).map(lambda number: number / 4)
amounts = st.integers(0, 40).map(lambda number: number / 4)
numbers = st.builds(Number, amounts, st.sampled_from(["", "%", "m", "s", "GB", "KiB"]))
names = st.sampled_from((*STEP_METRICS, *VALIDATION_METRICS)).map(Name)
spans = st.builds(Span, st.integers(1, 5).map(float), st.sampled_from(["steps", "validations", "epochs", "s"]))
functions = st.sampled_from(["mean", "median", "min", "max"])


def arithmetic(inner: st.SearchStrategy, small: bool = False) -> st.SearchStrategy:
    signs = ["+", "-"] if small else ["+", "-", "*", "/"]
    return st.builds(Arithmetic, st.sampled_from(signs), inner, inner) | st.builds(Negative, inner) | st.builds(Absolute, inner)


plain = st.recursive(numbers | names, arithmetic, max_leaves=4)
exact = st.recursive(st.builds(Number, amounts) | names, lambda inner: arithmetic(inner, small=True), max_leaves=3)
windows = st.builds(Window, functions, exact, st.builds(Span, st.integers(1, 6).map(float),
                                                        st.sampled_from(["steps", "validations"])))
values = st.recursive(plain | windows, arithmetic, max_leaves=4)
simple = st.builds(Comparison, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), values, values) | st.builds(
    Finite, values, st.booleans()) | st.builds(NoImprovement, names, st.none() | st.builds(Number, amounts), spans)
conditions = st.recursive(simple, lambda inner: st.builds(Lasting, inner, spans) | st.builds(Not, inner) | st.builds(
    Logical, st.sampled_from(["and", "or"]), inner, inner), max_leaves=4)

observed = quarters | st.sampled_from([0.0, 0.0, 1.0, math.nan, math.inf, -math.inf])


@st.composite
def runs(draw: st.DrawFn) -> list[Moment]:
    """Updates, now and then a validation, some metrics missing at some of them; epochs counted or not."""
    moments: list[Moment] = []
    step, seconds, validations = draw(st.integers(0, 3)), 0.0, 0
    latest: dict[str, float] = {}
    counts_epochs = draw(st.booleans())
    for validated in draw(st.lists(st.sampled_from([False, False, False, True]), min_size=1, max_size=25)):
        step += 0 if validated else draw(st.sampled_from([1, 1, 1, 3]))
        seconds += draw(st.integers(0, 3)) / 2
        validations += validated
        measured = VALIDATION_METRICS if validated else STEP_METRICS
        fresh = {name: draw(observed) for name in measured if draw(st.integers(0, 5))}
        latest = latest | fresh | ({"epoch": step / 4} if counts_epochs else {})
        moments.append(Moment(step, seconds, validations, validated, latest, frozenset(fresh)))
    return moments
