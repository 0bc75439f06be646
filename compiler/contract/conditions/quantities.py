"""Numbers and spans of a condition, from their tokens; sizes and times as everywhere else, `k` and `M` for counts."""

from __future__ import annotations

import math

from .tokens import Token
from .values import COUNTED, SIZES, TIMES, ConditionError, Number, Span

LONGEST_WINDOW = 10_000
MULTIPLES = {"k": 1e3, "M": 1e6}


def number(token: Token) -> Number:
    """The quantity of a number token. Raises `ConditionError` for a unit that there is not."""
    amount, suffix = float(token.text), token.suffix
    if suffix in MULTIPLES:
        amount, suffix = round(amount * MULTIPLES[suffix], 6), ""
    if suffix not in ("", "%", *TIMES, *SIZES):
        raise ConditionError(f'"{suffix}" is no unit; there are %, {", ".join((*TIMES, *SIZES))}, and k and M for counts',
                             token.column)
    if not math.isfinite(amount):
        raise ConditionError("this number is too large", token.column)
    return Number(amount, suffix, column=token.column)


def span(first: Token, counted: Token | None) -> Span:
    """A count of steps, validations or epochs, or a time where no word follows. Raises `ConditionError`."""
    read = number(first)
    if counted is None and read.suffix in TIMES:
        found = Span(read.amount, read.suffix, column=first.column)
    elif counted is not None and (unit := counted.text.removesuffix("s") + "s") in COUNTED:
        found = Span(read.amount, unit, column=first.column)
    else:
        raise ConditionError("a span is a count of steps, validations or epochs, or a time such as 60s, 10m or 2h",
                             (counted or first).column)
    if found.amount <= 0 or (found.unit in ("steps", "validations") and not found.amount.is_integer()):
        raise ConditionError(f"{found} is no length: it has to be {'whole and ' if found.amount > 0 else ''}more than 0",
                             found.column)
    return found


def window_span(found: Span) -> Span:
    """A span that a window can have: at most 10,000 steps or validations, since it keeps them. Raises `ConditionError`."""
    if found.unit not in ("steps", "validations") or found.amount > LONGEST_WINDOW:
        raise ConditionError(f"a window is counted in steps or validations, at most {LONGEST_WINDOW:,} of them",
                             found.column)
    return found
