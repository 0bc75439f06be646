"""Reading a condition: text in, its parts out. A recursive descent over the grammar of `docs/guards.md`.

What cannot be read raises `ConditionError` with the column and with what was expected there. Names and units are not
looked up here: `units.py` does that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .quantities import MULTIPLES, number, span, window_span
from .syntax import Comparison, Condition, Event, Finite, Lasting, Logical, NoImprovement, Not
from .tokens import COMPARISONS, Cursor, Token, tokens
from .values import FUNCTIONS, VALUES, Absolute, Arithmetic, ConditionError, Name, Negative, Span, Value, Window

DEEPEST = 20
RESERVED = {"and", "or", "not", "is", "finite", "for", "no", "of", "by"}


def parse(text: str) -> Condition:
    """The condition that a text says. Raises `ConditionError`."""
    found = _Parser(text).whole()
    tokens(str(found))  # what is kept is the canonical text, which may be longer: it has to be readable too
    return found


def _condition(part: Any) -> Condition:
    if isinstance(part, VALUES):
        raise ConditionError(f"`{part}` is a value and no condition: compare it with something", part.column)
    return part


def _value(part: Any) -> Value:
    if not isinstance(part, VALUES):
        raise ConditionError(f"`{part}` is a condition, and a value has to stand here", part.column)
    return part


class _Parser(Cursor):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth, self.in_window = 0, False
        self.left: Value | None = None
        """What stands left of the comparison: a window that names no value is over this one."""

    def whole(self) -> Condition:
        found = self.either()
        if self.token.kind != "end":
            self.fail("a comparison (<, <=, >, >=, ==, !=, is)" if isinstance(found, VALUES) else "and, or, for, or the end")
        return _condition(found)

    def either(self) -> Any:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ConditionError(f"more than {DEEPEST} levels inside of one another", self.token.column)
        found = self.logical("or", lambda: self.logical("and", self.negation))
        self.depth -= 1
        return found

    def logical(self, operator: Any, operand: Callable[[], Any]) -> Any:
        found = operand()
        while self.accept(operator):
            found = Logical(operator, _condition(found), _condition(operand()), column=found.column)
        return found

    def negation(self) -> Any:
        signs = self.repeated("not")
        found = self.lasting()
        for token in reversed(signs):
            found = Not(_condition(found), column=token.column)
        return found

    def lasting(self) -> Any:
        found = self.comparison()
        while self.accept("for"):
            found = Lasting(_condition(found), self.span(), column=found.column)
        return found

    def comparison(self) -> Any:
        left = self.sum()
        if self.accept("is"):
            negated = self.accept("not") is not None
            self.expect("finite")
            return Finite(_value(left), negated, column=left.column)
        if not (token := self.accept(*COMPARISONS)):
            return left
        before, self.left = self.left, _value(left)
        right, self.left = _value(self.sum()), before
        if self.token.text in (*COMPARISONS, "is"):
            raise ConditionError("a comparison has two sides; join two of them with `and`", self.token.column)
        return Comparison(token.text, left, right, column=left.column)

    def sum(self) -> Any:
        return self.arithmetic(("+", "-"), lambda: self.arithmetic(("*", "x", "/"), self.negative))

    def arithmetic(self, operators: tuple[str, ...], operand: Callable[[], Any]) -> Any:
        found = operand()
        while token := self.accept(*operators):
            operator: Any = "*" if token.text == "x" else token.text
            found = Arithmetic(operator, _value(found), _value(operand()), column=found.column)
        return found

    def negative(self) -> Any:
        signs = self.repeated("-")
        found = self.atom()
        for token in reversed(signs):
            found = Negative(_value(found), column=token.column)
        return found

    def atom(self) -> Any:
        token = self.token
        if token.kind == "number":
            self.at += 1
            return number(token)
        if self.accept("("):
            found = self.either()
            self.expect(")")
            return found
        if token.kind != "name":
            self.fail("a metric, a number or a function")
        self.at += 1
        return self.named(token)

    def named(self, token: Token) -> Any:
        if token.text in ("no", "out"):
            return self.event(token)
        if token.text in RESERVED:
            self.at -= 1
            self.fail("a metric, a number or a function")
        if not self.accept("("):
            return Name(token.text, column=token.column)
        if token.text == "abs":
            found: Any = Absolute(_value(self.either()), column=token.column)
        elif token.text in FUNCTIONS:
            found = self.window(token)
        else:
            raise ConditionError(f"there is no function {token.text}; there are abs, {', '.join(FUNCTIONS)}", token.column)
        self.expect(")")
        return found

    def window(self, token: Token) -> Window:
        if self.in_window:
            raise ConditionError("a window cannot stand in another one", token.column)
        after = self.tokens[self.at + 1] if self.token.kind == "number" else None
        if after and after.kind == "name" and after.text != "x":
            if self.left is None:
                raise ConditionError(f"say of what: {token.text}(loss, {self.token.text} {after.text})", token.column)
            return Window(token.text, self.left, window_span(self.span()), column=token.column)
        self.in_window = True
        value = _value(self.either())
        self.in_window = False
        self.expect(",")
        return Window(token.text, value, window_span(self.span()), column=token.column)

    def span(self) -> Span:
        first = self.token
        if first.kind != "number":
            self.fail("a span such as 100 steps, 3 validations, 5 epochs or 10m")
        self.at += 1
        counted = self.token if self.token.kind == "name" and first.suffix in ("", *MULTIPLES) else None
        self.at += counted is not None
        return span(first, counted)

    def event(self, token: Token) -> Any:
        if token.text == "out":
            self.expect("of")
            self.expect("memory")
            return Event("out of memory", None, column=token.column)
        if self.accept("improvement"):
            return self.no_improvement(token)
        kind: Any = self.accept("data", "progress")
        if not kind:
            self.fail("improvement, data or progress")
        self.expect("for")
        found = self.span()
        if found.clock != "seconds":
            raise ConditionError(f"no {kind.text} is measured in time, such as 60s or 10m", found.column)
        return Event(f"no {kind.text}", found, column=token.column)  # type: ignore[arg-type]

    def no_improvement(self, token: Token) -> NoImprovement:
        self.expect("of")
        metric = self.token
        if metric.kind != "name" or metric.text in RESERVED:
            self.fail("a metric")
        self.at += 1
        by = None
        if self.accept("by"):
            if self.token.kind != "number":
                self.fail("a number")
            by = number(self.token)
            self.at += 1
        self.expect("for")
        return NoImprovement(Name(metric.text, column=metric.column), by, self.span(), column=token.column)
