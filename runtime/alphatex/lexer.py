"""Cut alphaTex into tokens.

In: the text of a piece. Out: the tokens up to the first character that starts no token, and the problem found there
(nothing after an unclosed string or a lone slash can be read with any sense). White space and comments are dropped.
One pass of one regular expression, so the time is linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

NUMBER, WORD, STRING, TAG = "number", "word", "string", "tag"
DOT, COLON, PIPE, STAR = ".", ":", "|", "*"
OPEN, CLOSE, OPEN_BRACE, CLOSE_BRACE = "(", ")", "{", "}"

_WORD_CHARACTER = r"""[^ \t\n\v\r"'/.:(){}|*\\\x00]"""
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\v\r]+)
    | (?P<comment>//[^\n]*|/\*(?s:.*?)\*/)
    | (?P<number>-?[0-9]+(?!{_WORD_CHARACTER}))
    | (?P<word>{_WORD_CHARACTER}+)
    | (?P<string>"(?:[^"\\]|\\["\\nrtNRT]|\\u[0-9a-fA-F]{{4}})*"|'(?:[^'\\]|\\['\\nrtNRT]|\\u[0-9a-fA-F]{{4}})*')
    | (?P<tag>\\\\?{_WORD_CHARACTER}+)
    | (?P<mark>[.:|*(){{}}])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Problem:
    """Something wrong with a piece; `line` and `column` count from 1, in characters."""

    code: str
    message: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.code}: {self.message}"


class Token(NamedTuple):
    """`text` is the source text, but a tag's name without its backslash in lower case, a string without quotes."""

    kind: str
    text: str
    line: int
    column: int
    start: int
    end: int


def tokenize(text: str) -> tuple[list[Token], Problem | None]:
    """All tokens of `text`; or those before the first unreadable place, and the problem there."""
    tokens: list[Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return tokens, _unreadable(text, position, line, position - line_start + 1)
        group, source = str(match.lastgroup), match.group()
        if group not in ("space", "comment"):
            kind = source if group == "mark" else group
            tokens.append(Token(kind, _content(group, source), line, position - line_start + 1, position, match.end()))
        if "\n" in source:
            line += source.count("\n")
            line_start = position + source.rindex("\n") + 1
        position = match.end()
    return tokens, None


def _content(group: str, source: str) -> str:
    if group == "string":
        return source[1:-1]
    return source.lstrip("\\").lower() if group == "tag" else source


def _unreadable(text: str, position: int, line: int, column: int) -> Problem:
    character = text[position]
    if character in "\"'":
        what = "this string is never closed, or holds an escape other than \\n \\r \\t \\\\ \\uXXXX"
        return Problem("bad-string", what, line, column)
    if character == "/":
        if text.startswith("/*", position):
            return Problem("unclosed-comment", "this comment is never closed with */", line, column)
        return Problem("stray-slash", "a comment starts with // or /*", line, column)
    if character == "\\":
        return Problem("bad-tag", "a backslash needs a name after it, as in \\title", line, column)
    return Problem("bad-character", f"the character {character!r} means nothing here", line, column)
