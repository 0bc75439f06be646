"""What a condition means, said plainly: all moments of a run in, the truth at one of them out, with nothing remembered."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Sequence

from expc.compiler.contract.conditions.computing import Moment
from expc.compiler.contract.conditions.syntax import Comparison, Condition, Finite, Lasting, Logical, NoImprovement, Not
from expc.compiler.contract.conditions.values import Absolute, Arithmetic, Name, Negative, Number, Span, Value, Window

COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
FUNCTIONS = {"mean": lambda found: sum(found) / len(found), "median": statistics.median, "min": min, "max": max}


def truth(condition: Condition, moments: Sequence[Moment], at: int) -> bool | None:
    """Whether it is true at moment number `at`; None where that is not known."""
    if isinstance(condition, Comparison):
        left, right = value(condition.left, moments, at), value(condition.right, moments, at)
        return None if left is None or right is None else COMPARE[condition.operator](left, right)
    if isinstance(condition, Finite):
        found = value(condition.value, moments, at)
        return None if found is None else math.isfinite(found) is not condition.negated
    if isinstance(condition, Not):
        inner = truth(condition.condition, moments, at)
        return None if inner is None else not inner
    if isinstance(condition, Logical):
        both = {truth(condition.left, moments, at), truth(condition.right, moments, at)}
        decisive = condition.operator == "or"
        return decisive if decisive in both else None if None in both else not decisive
    if isinstance(condition, Lasting):
        return lasting(condition, moments, at)
    assert isinstance(condition, NoImprovement)
    return stagnant(condition, moments, at)


def value(part: Value, moments: Sequence[Moment], at: int) -> float | None:
    """A value at moment number `at`."""
    if isinstance(part, Number):
        return part.value
    if isinstance(part, Name):
        return moments[at].values.get(part.name)
    if isinstance(part, Window):
        return window(part, moments, at)
    if isinstance(part, Arithmetic):
        left, right = value(part.left, moments, at), value(part.right, moments, at)
        return None if left is None or right is None else arithmetic(part.operator, left, right)
    assert isinstance(part, (Absolute, Negative))
    inner = value(part.value, moments, at)
    return None if inner is None else abs(inner) if isinstance(part, Absolute) else -inner


def arithmetic(sign: str, left: float, right: float) -> float:
    """IEEE 754."""
    if sign == "/" and right == 0:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.inf if (math.copysign(1, left) > 0) == (math.copysign(1, right) > 0) else -math.inf
    return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign](left, right)


def window(part: Window, moments: Sequence[Moment], at: int) -> float | None:
    """The function over the finite values of the last ticks before the present one."""
    by_validation, size = part.span.unit == "validations", int(part.span.amount)
    counted = [index for index in range(at + 1) if moments[index].validated is by_validation]
    if not counted:
        return None
    ticks = {index: moments[index].validations if by_validation else moments[index].step for index in counted}
    now, first = ticks[counted[-1]], ticks[counted[0]]
    if first > now - size:
        return None
    inside = [value(part.value, moments, index) for index in counted[:-1] if ticks[index] >= now - size]
    finite = [one for one in inside if one is not None and math.isfinite(one)]
    return FUNCTIONS[part.function](finite) if finite else None


def lasting(part: Lasting, moments: Sequence[Moment], at: int) -> bool | None:
    """Whether the streak of moments up to this one is long enough."""
    here = truth(part.condition, moments, at)
    if not here or clock(part.span, moments[at]) is None:
        return False if here is False else None
    first = at
    while first and truth(part.condition, moments, first - 1) and clock(part.span, moments[first - 1]) is not None:
        first -= 1
    begun = moments[first]
    own = {"steps": not begun.validated, "validations": begun.validated}.get(part.span.clock, False)
    return clock(part.span, moments[at]) - clock(part.span, begun) + own >= part.span.value


def stagnant(part: NoImprovement, moments: Sequence[Moment], at: int) -> bool | None:
    """Whether the best value was measured so long ago, seen from the latest measurement."""
    measured = [one for one in moments[: at + 1] if part.metric.name in one.fresh and clock(part.span, one) is not None]
    best: Moment | None = None
    held = False
    for one in measured:
        now = one.values[part.metric.name]
        by = part.by.value if part.by else 0
        if math.isfinite(now) and (best is None or now < best.values[part.metric.name] - by):
            best, held = one, False
        elif best is not None:
            held = clock(part.span, one) - clock(part.span, best) >= part.span.value
    return None if best is None else held


def clock(span: Span, moment: Moment) -> float | None:
    """How far the span's clock has come."""
    return {"steps": moment.step, "validations": moment.validations, "seconds": moment.seconds,
            "epochs": moment.values.get("epoch")}[span.clock]
