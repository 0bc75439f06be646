"""YAML text into a located tree. In: a `SourceFile`. Out: the root `Node` (None if nothing could be read) and
every diagnostic of its syntax and form. After a syntax error the section around it is set aside and reading
goes on, so that one run shows all mistakes of a file."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

import yaml

from ..diagnostics import Diagnostic
from ..source import Node, SourceFile
from .compose import Composer, Stop
from .syntax import explain

MAX_SYNTAX_ERRORS = 20
# What is none of YAML's printable characters, and what YAML 1.1 takes for line breaks and editors do not. The printable ones
# with a ^ before them would be the same, and take twenty times as long to compile.
UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
HEAD = re.compile(r"(?:[ \t]*(?:[#%][^\r\n]*)?(?:\r\n|\n|\r))*(?:%[^\r\n]*)?")  # the lines before the content
DIRECTIVE = re.compile(r"^%[^\r\n]*", re.MULTILINE)
# a line that begins a section: a plain key and its colon
HEADER = re.compile(r"(?P<key>[^\s#'\"\[\]{}&*!|>%@`-][^:#]*):(?=\s|$)")


def parse(file: SourceFile, text: str | None = None) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a file. `text` stands in for the file's own, with parts blanked out or the end cut off; whoever
    gives one has looked for invisible characters.

    After a syntax error the section around it is set aside as a `broken` value, and reading goes on.
    """
    found = unprintable(file, 0, len(file.text)) if text is None else []
    text = file.text if text is None else text
    damaged = bool(found)
    text, directives = _without_directives(file, UNPRINTABLE.sub("\ufffd", text))
    found += directives
    lost: set[str | None] = set()
    for _ in range(MAX_SYNTAX_ERRORS):
        composer = Composer(file, text, damaged)
        try:
            root = composer.document()
        except yaml.YAMLError as error:
            reason = explain(error, file, text, composer.quoted)
            assert (place := reason.span) is not None
            begins = [one.span.order for one in found if one.span is not None and one.code == reason.code == "E014"]
            again = place.order in begins  # the key of the section is itself what cannot be read
            found += [*composer.found, *([] if again else [reason])]
            blanked = _blank_section(file, text, place.line, again)
            if blanked is None:
                return None, found
            text, key = blanked
            lost.add(key)
            continue
        except Stop:
            return None, found + composer.found
        known = (
            composer.found
            if not lost
            else [one for one in composer.found if one.code not in ("E005", "E023")]
        )
        return _with_lost(root, lost), found + known
    return None, found


def unprintable(file: SourceFile, start: int, end: int) -> list[Diagnostic]:
    """The first invisible characters of the stretch [start, end) of a file."""
    said, help_ = "the invisible character U+{:04X} cannot stand in a spec", "delete it; it often comes from copying"
    first = islice(UNPRINTABLE.finditer(file.text, start, end), MAX_SYNTAX_ERRORS)
    return [Diagnostic("E004", said.format(ord(one[0])), file.span(*one.span()), help_) for one in first]


def _without_directives(file: SourceFile, text: str) -> tuple[str, list[Diagnostic]]:
    """Blanks the `%` lines of the head, of which libyaml and PyYAML's own parser think differently."""
    head = HEAD.match(text)
    assert head is not None
    found = [
        Diagnostic("E019", "a spec needs no YAML directives", file.span(*match.span()), "remove the line")
        for match in DIRECTIVE.finditer(text, 0, head.end())
    ]
    return DIRECTIVE.sub(lambda match: " " * len(match[0]), head[0]) + text[head.end() :], found


def _with_lost(root: Node | None, lost: set[str | None]) -> Node | None:
    if root is None or not isinstance(root.value, dict):
        return replace(root, broken=True) if root and lost else root
    kept = {key: replace(node, broken=True) if key in lost else node for key, node in root.value.items()}
    return replace(root, value=kept, broken=None in lost)


def _blank_section(file: SourceFile, text: str, line: int, with_key: bool) -> tuple[str, str | None] | None:
    """The text (its lines are those of the file) without the top-level section around a line (from 1), keeping its
    length and its line breaks, and the section's key, which stays with no value if it can be read itself. None if nothing is
    left to blank."""
    lines = file.lines

    def begins(number: int) -> bool:
        start = file.index(number, 1)
        return _begins(text[start : start + len(lines[number - 1])])

    first, after = line, line + 1
    while first > 1 and not begins(first):
        first -= 1
    while after <= len(lines) and not begins(after):
        after += 1
    start, end = file.index(first, 1), file.index(after - 1, 1) + len(lines[after - 2])
    header = None if with_key else HEADER.match(text, start, start + len(lines[first - 1]))
    keep = header.end() if header else start
    blanked = re.sub(r"[^\r\n]", " ", text[keep:end])
    if blanked == text[keep:end]:
        return None
    return text[:keep] + blanked + text[end:], header["key"].strip() if header else None


def _begins(line: str) -> bool:
    """Whether a line begins a top-level section: closing brackets and unindented list items belong to the one
    above."""
    return bool(line) and line[0] not in " \t#]}-" or line.startswith("---")
