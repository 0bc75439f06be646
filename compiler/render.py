"""Diagnostics for people and machines. In: diagnostics. Out: text with the excerpt and a caret under the
right characters (wide ones too), JSON, SARIF 2.1.0 for code hosts, or the annotations of GitHub's workflow
log. Nothing of a user's text can act on the terminal: what is not printable is shown as its escape."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .diagnostics import Diagnostic, Note, Severity
from .source import SourceFile, Span

TAB = 4
WIDTH = 140  # columns of an excerpt; of a longer line, the part around the caret is shown
LONGEST = 4 * WIDTH  # characters of an excerpt, however many of them take no room
STYLES = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "help": "\x1b[1;36m",
    "note": "\x1b[1;34m",
    "caret": "\x1b[31m",
}
PLAIN = "\x1b[0m"
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(diagnostics: Sequence[Diagnostic], colour: bool = False) -> str:
    """One block for each finding, with an empty line between; "" for none."""
    return "\n".join(_block(found, colour) for found in diagnostics)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """ "2 errors, 1 warning", or "no problems"."""
    counts = [(sum(found.severity is kind for found in diagnostics), kind.value) for kind in Severity]
    return ", ".join(f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n) or "no problems"


def _block(found: Diagnostic, colour: bool) -> str:
    kind = found.severity.value
    place = f"{found.span}: " if found.span else ""
    lines = [f"{visible(place)}{_style(kind, kind, colour)} {found.code}: {visible(found.message)}"]
    if found.span is not None:
        lines += _excerpt(found.span, colour)
    if found.help:
        lines.append(f"  {_style('help', 'help', colour)}: {visible(found.help)}")
    lines += [f"  {_style('note', 'note', colour)}: {visible(_noted(note))}" for note in found.notes]
    return "\n".join(lines) + "\n"


def _noted(note: Note) -> str:
    return f"{note.text} {note.span}" if note.span else note.text


def _style(text: str, style: str, colour: bool) -> str:
    return f"{STYLES[style]}{text}{PLAIN}" if colour else text


def _excerpt(span: Span, colour: bool) -> list[str]:
    lines = span.file.lines
    if span.line > len(lines) or not span.file.text:
        return []
    line = lines[span.line - 1]
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    shown, start, end = _window(line, start, max(min(end, len(line)), start))
    pad, under = width(visible(shown[:start])), max(width(visible(shown[start:end])), 1)
    carets = _style("^" * under, "caret", colour)
    number = f"{span.line:>5}"
    return [f"{number} | {visible(shown)}".rstrip(), f"{' ' * len(number)} | {' ' * pad}{carets}"]


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a long line around [start, end), and where these fall in it."""
    if len(line) <= LONGEST and width(line) <= WIDTH:
        return line, start, end
    left = _back(line, start, WIDTH // 3)
    right, used = left, 0
    while right < min(len(line), left + LONGEST) and used + _columns(line[right]) <= WIDTH:
        used, right = used + _columns(line[right]), right + 1
    left = _back(line, left, WIDTH - used)  # near the end of the line there is room for more before it
    head, tail = "…" if left else "", "…" if right < len(line) else ""
    moved = [min(at, right) - left + len(head) for at in (start, end)]
    return head + line[left:right] + tail, moved[0], moved[1]


def _back(line: str, start: int, columns: int) -> int:
    """Where the text begins that fills so many columns before `start`."""
    first = max(0, start - LONGEST)
    while start > first and _columns(line[start - 1]) <= columns:
        start, columns = start - 1, columns - _columns(line[start - 1])
    return start


def visible(text: str) -> str:
    """Text for one line of a terminal: tabs as spaces, and escapes such as \\u202e for what could move the cursor or
    turn the direction."""
    return "".join(char if _printable(char) else _escaped(char) for char in text)


def printable(text: str) -> str:
    """Text for a terminal, line by line."""
    return "\n".join(map(visible, text.split("\n")))


def _escaped(char: str) -> str:
    if char == "\t":
        return " " * TAB
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _printable(char: str) -> bool:
    return char.isprintable() or char == "\u200d" or unicodedata.category(char) == "Zs"


def width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if not _printable(char):
        return len(_escaped(char))
    if char == "\u200d" or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """{"diagnostics": [{code, severity, message, file, line, column, end_line, end_column, help, notes},
    …]}"""
    found = [
        {
            "code": one.code,
            "severity": one.severity.value,
            "message": one.message,
            **_place(one.span),
            "help": one.help,
            "notes": [{"text": note.text, **_place(note.span)} for note in one.notes],
        }
        for one in diagnostics
    ]
    return json.dumps({"diagnostics": found}, indent=2) + "\n"


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    return {
        "file": span.file.display,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def as_sarif(
    diagnostics: Sequence[Diagnostic], top: Path | None = None, about: Mapping[str, tuple[str, str]] | None = None
) -> str:
    """SARIF 2.1.0, columns in Unicode code points; paths relative to `top`, or as in the text. `about` holds a title and
    an explanation by code, which GitHub's code scanning asks of every rule."""
    results = []
    for one in diagnostics:
        message = one.message + (f"\nhelp: {one.help}" if one.help else "")
        result: dict[str, Any] = {
            "ruleId": one.code,
            "level": one.severity.value,
            "message": {"text": message},
        }
        if one.span is not None:
            result["locations"] = [_location(one.span, top)]
        if one.notes:
            related = [{**(_location(note.span, top) if note.span else {}), "message": {"text": note.text}}
                       for note in one.notes]  # fmt: skip
            result["relatedLocations"] = related
        results.append(result)
    from importlib.metadata import version  # here: it takes long to load

    rules = [_rule(code, about or {}) for code in sorted({one.code for one in diagnostics})]
    driver = {"name": "expc", "version": version("expc"), "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, about: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    if code not in about:
        return {"id": code}
    title, text = about[code]
    return {"id": code, "shortDescription": {"text": title}, "fullDescription": {"text": text},
            "help": {"text": f"{text}\n\nexpc explain {code}: with a wrong and a right example"}}  # fmt: skip


def _location(span: Span, top: Path | None) -> dict[str, Any]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(_path(span.file, top))}, "region": region}}


def _path(file: SourceFile, top: Path | None) -> str:
    """A file's path for those who read from `top`; words of the command line have none."""
    return file.display if top is None or not file.path.is_absolute() else Path(os.path.relpath(file.path, top)).as_posix()


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path, errors="replace")


def as_github(diagnostics: Sequence[Diagnostic], top: Path | None = None) -> str:
    """Annotations for GitHub's workflow log, one line each; paths relative to `top`, or as in the text."""
    lines = []
    for one in diagnostics:
        more = [f"help: {one.help}"] if one.help else []
        body = "\n".join([one.message, *more, *(f"note: {_noted(note)}" for note in one.notes)])
        body = "\n".join(visible(line) for line in body.split("\n"))
        place = (
            f"file={_property(_path(one.span.file, top))},line={one.span.line},col={one.span.column},"
            if one.span
            else ""
        )
        lines.append(f"::{one.severity.value} {place}title={one.code}::{_data(body)}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property; a file name may hold bytes that are not UTF-8, which no log can hold."""
    return _data(text.encode("utf-8", "replace").decode()).replace(":", "%3A").replace(",", "%2C")
