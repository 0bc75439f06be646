"""A condition's text cut into tokens: numbers with their units, names, symbols, and an end."""

from __future__ import annotations

import re
from typing import NoReturn

from ..record import dataclass
from .values import ConditionError

LONGEST, MOST = 500, 150
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_SPELLINGS = {"≤": "<=", "≥": ">=", "≠": "!=", "×": "*"}
_TOKEN = re.compile(r"""
    (?P<number> \d[\d_]* (?:\.\d+)? (?:[eE][+-]?\d+)? ) (?P<suffix> % | [A-Za-z_]\w* )?
  | (?P<name> [A-Za-z_]\w* (?:\.\w+)* )
  | (?P<symbol> <= | >= | == | != | [-<>()+*/,≤≥≠×] )
""", re.VERBOSE | re.ASCII)


@dataclass(frozen=True)
class Token:
    """`kind` is number, name, symbol or end. A number's `text` is its digits, its unit stands in `suffix`."""

    kind: str
    text: str
    column: int
    suffix: str = ""

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f'"{self.text}{self.suffix}"'


def tokens(text: str) -> list[Token]:
    """All tokens and the end. Raises `ConditionError` for a character that no condition has."""
    if len(text) > LONGEST:
        raise ConditionError(f"a condition has at most {LONGEST} characters", LONGEST)
    found: list[Token] = []
    at = 0
    while rest := text[at:].lstrip():
        at = len(text) - len(rest)
        match = _TOKEN.match(text, at)
        if not match:
            raise ConditionError(f'"{text[at]}" belongs to no condition'
                                 + ("; equality is ==" if text[at] == "=" else ""), at + 1)
        found += _made(match, at + 1)
        at = match.end()
    if len(found) > MOST:
        raise ConditionError(f"a condition has at most {MOST} words, numbers and signs", found[MOST].column)
    return [*found, Token("end", "", len(text) + 1)]


def _made(match: re.Match[str], column: int) -> list[Token]:
    """One token, or two where `x` follows a number without a space (`10x median`)."""
    if match["name"]:
        return [Token("name", match["name"], column)]
    if match["symbol"]:
        return [Token("symbol", _SPELLINGS.get(match["symbol"], match["symbol"]), column)]
    digits, suffix = match["number"].replace("_", ""), match["suffix"] or ""
    if suffix == "x":
        return [Token("number", digits, column), Token("name", "x", match.start("suffix") + 1)]
    return [Token("number", digits, column, suffix)]


class Cursor:
    """Goes through the tokens of a text, one by one."""

    def __init__(self, text: str) -> None:
        self.tokens, self.at = tokens(text), 0

    @property
    def token(self) -> Token:
        """The one that comes next."""
        return self.tokens[self.at]

    def fail(self, expected: str) -> NoReturn:
        """Something else had to come next."""
        raise ConditionError(f"expected {expected}, found {self.token}", self.token.column)

    def accept(self, *texts: str) -> Token | None:
        """Takes the next token if it is one of these words or symbols."""
        token = self.token
        if token.kind in ("number", "end") or token.text not in texts:
            return None
        self.at += 1
        return token

    def expect(self, text: str) -> Token:
        """Takes the next token, which has to be this one."""
        return self.accept(text) or self.fail(f'"{text}"')

    def repeated(self, text: str) -> list[Token]:
        """Takes all that come next of one word or symbol."""
        found = []
        while token := self.accept(text):
            found.append(token)
        return found
