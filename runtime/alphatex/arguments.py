"""Match the arguments of a tag or an effect against what the grammar table allows.

In: the alternatives of one signature and the tokens at a position. Out: the arguments of the alternative that takes
most of them and the position behind, or `Misfit` with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from .grammar import Parameter, Signature
from .lexer import CLOSE, DOT, NUMBER, STRING, WORD, Token

_RANGE_CODES = {"tempo": "tempo-range", "capo": "capo-range"}


@dataclass(frozen=True)
class Argument:
    """`number` is None for words and strings; `text` is the source text, for strings without quotes."""

    kind: str
    text: str
    number: float | None = None


class Misfit(Exception):
    """Why arguments do not fit; `kind` is "missing", "extra", "range" or "shape"."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind

    def code(self, owner: str) -> str:
        """The problem's code: out of range is named after the tag where the reference parser lets it pass."""
        if self.kind == "range":
            return _RANGE_CODES.get(owner, "bad-argument")
        return "extra-argument" if self.kind == "extra" else "bad-argument"


def as_integer(token: Token) -> int:
    """A number token's value, cut to ten characters: nothing here is that large, and int() limits its input."""
    return int(token.text[:10])


def match_bare(signature: Signature, tokens: list[Token], index: int) -> tuple[tuple[Argument, ...], int]:
    """Arguments without parentheses: as many tokens as one alternative takes."""
    if not signature:
        return (), index
    ends: list[tuple[tuple[Argument, ...], int]] = []
    misfits: list[Misfit] = []
    for alternative in signature:
        try:
            ends.append(_match(alternative, tokens, index))
        except Misfit as misfit:
            misfits.append(misfit)
    if not ends:
        raise _most_specific(misfits)
    return max(ends, key=lambda end: end[1])


def match_enclosed(signature: Signature, tokens: list[Token], index: int) -> tuple[tuple[Argument, ...], int]:
    """Arguments in parentheses, from behind the opening one; they must be used up."""
    closing = index
    while closing < len(tokens) and tokens[closing].kind in (NUMBER, WORD, STRING, DOT):
        closing += 1
    if closing == len(tokens) or tokens[closing].kind != CLOSE:
        raise Misfit("shape", "its arguments are not closed with )")
    found, end = match_bare(signature, tokens[index:closing], 0)
    if end != closing - index:
        raise Misfit("extra", "it has too many arguments")
    return found, closing + 1


def _most_specific(misfits: list[Misfit]) -> Misfit:
    return next((misfit for misfit in misfits if misfit.kind == "range"), misfits[0])


def _match(alternative: tuple[Parameter, ...], tokens: list[Token], index: int) -> tuple[tuple[Argument, ...], int]:
    found: list[Argument] = []
    for parameter in alternative:
        while True:
            argument, after = _read(parameter, tokens, index)
            if argument is None:
                break
            _check_range(parameter, argument)
            found.append(argument)
            index = after
            if not parameter.repeated:
                break
        if argument is None and not (parameter.optional or parameter.repeated):
            raise Misfit("missing", "it needs " + _description(parameter))
    return tuple(found), index


def _read(parameter: Parameter, tokens: list[Token], index: int) -> tuple[Argument | None, int]:
    """The argument at `index` if it is of the parameter's kind."""
    if index >= len(tokens):
        return None, index
    token = tokens[index]
    if token.kind == NUMBER and parameter.kind in "nfa":
        if parameter.kind == "f" and _is_decimal(tokens, index):
            text = f"{token.text}.{tokens[index + 2].text}"
            return Argument(NUMBER, text, float(text)), index + 3
        return Argument(NUMBER, token.text, as_integer(token)), index + 1
    if parameter.kind == "<" and token.kind in (WORD, STRING) and token.text.lower() in parameter.words:
        return Argument(token.kind, token.text), index + 1
    if token.kind == STRING and parameter.kind in "sqa" or token.kind == WORD and parameter.kind in "sa":
        return Argument(token.kind, token.text), index + 1
    return None, index


def _is_decimal(tokens: list[Token], index: int) -> bool:
    """Whether `12.5` stands here with nothing between."""
    if index + 2 >= len(tokens):
        return False
    number, dot, fraction = tokens[index : index + 3]
    together = dot.kind == DOT and dot.start == number.end and fraction.start == dot.end
    return together and fraction.kind == NUMBER and not fraction.text.startswith("-")


def _check_range(parameter: Parameter, argument: Argument) -> None:
    value = argument.number
    if value is None:
        return
    if parameter.values and value not in parameter.values:
        listed = ", ".join(str(one) for one in sorted(parameter.values))
        raise Misfit("range", f"{argument.text} is none of {listed}")
    if parameter.low is not None and parameter.high is not None and not parameter.low <= value <= parameter.high:
        raise Misfit("range", f"{argument.text} is not between {parameter.low} and {parameter.high}")


def _description(parameter: Parameter) -> str:
    if parameter.kind == "<":
        words = sorted(parameter.words)
        return "one of " + ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
    return {"n": "a number", "f": "a number", "s": "a text", "q": "a text in quotes", "a": "a value"}[parameter.kind]
