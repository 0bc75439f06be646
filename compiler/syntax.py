"""What a YAML syntax error means, and how to read on after it. In: PyYAML's error and the text. Out: a
diagnostic that says in a beginner's words what to change, and the text with the broken section blanked out
(same length, same lines), so that the mistakes in the other sections are found in the same run."""

from __future__ import annotations

import re

import yaml

from .diagnostics import Diagnostic, Note, quote
from .source import LINE, SourceFile, Span

QUOTES = 'put the text in quotes: "…"'
HEADER = re.compile(r"(?P<key>[^\s#'\"\[\]{}&*!|>%@`-][^:#]*):(?=\s|$)")


def explain(error: yaml.YAMLError, file: SourceFile, text: str, quoted: Span | None) -> Diagnostic:
    """`quoted` is the last quoted text before the error; if it runs over several lines, its end quote is the
    suspect."""
    mark = getattr(error, "problem_mark", None)
    problem = f"{getattr(error, 'context', None) or ''}; {getattr(error, 'problem', None) or ''}"
    if mark is None:  # a reader error: its characters have been checked before, so this is rare
        return Diagnostic("E019", "this is not valid YAML", file.span(0, 1))
    at = min(mark.index, len(text))
    opening = getattr(error, "context_mark", None)
    start = min(opening.index, len(text)) if opening else at
    if quoted is not None and quoted.line < quoted.end_line == file.position(at)[0]:
        return _quote_never_closed(quoted)
    for pattern, reason in REASONS:
        if re.search(pattern, problem):
            return reason(file, text, at, start)
    return Diagnostic("E019", f"this is not valid YAML ({problem.strip('; ')})", file.span(at, at + 1))


def _quote_never_closed(quoted: Span) -> Diagnostic:
    first = Span(quoted.file, quoted.line, quoted.column, quoted.line, quoted.column + 1)
    return Diagnostic(
        "E012",
        f"the quote that opens here is not closed on its line, but by the next one in line {quoted.end_line}",
        first,
        "close the text with the same quote that opens it",
    )


def _colon(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    """A ':' where no key can stand: a second one in the line, or a line that hangs under a finished value."""
    line, column = file.position(at)
    before = file.lines[line - 1][: column - 1]
    if re.search(r":\s", before):
        message = "a second ': ' in one line: the first made a key, and its value cannot hold another one"
        return Diagnostic("E013", message, file.span(at, at + 1), QUOTES)
    above = next((n for n in range(line - 1, 0, -1) if file.lines[n - 1].split("#")[0].strip()), None)
    if above and not re.search(r":(\s|$)", file.lines[above - 1]):
        return _neither(file, above)
    place = Span(file, line, len(before) - len(before.lstrip()) + 1, line, column)
    help_ = "begin it in the same column as the line above, or leave the value above empty to nest under it"
    return Diagnostic("E011", "this line is indented below a value that is already complete", place, help_)


def _neither(file: SourceFile, line: int) -> Diagnostic:
    content = file.lines[line - 1].split(" #")[0].rstrip()
    column = len(content) - len(content.lstrip()) + 1
    help_ = "write key: value with a space after the colon, or begin a list item with a dash and a space"
    place = Span(file, line, column, line, len(content) + 1)
    return Diagnostic(
        "E014", f"{quote(content.strip())} is neither a key with a value nor a list item", place, help_
    )


def _no_colon(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    return _neither(file, file.position(start)[0])


def _misfit(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    """Something in a mapping that is not its next key."""
    line, column = file.position(at)
    before = file.lines[line - 1][: column - 1]
    if before.rstrip().endswith(("'", '"')):
        help_ = "inside single quotes write '' for ', inside double quotes write \\\" for \""
        return Diagnostic("E012", "the text goes on after its closing quote", file.span(at, at + 1), help_)
    if text[at : at + 1] == ":":
        return Diagnostic(
            "E026", "a key is missing before the ':'", file.span(at, at + 1), "write key: value"
        )
    if text[at : at + 2].strip() == "-":
        message = "a list item stands among the keys of a mapping"
        return Diagnostic(
            "E011", message, file.span(at, at + 1), "give the list a key, and put its items below that"
        )
    if before.strip():
        return Diagnostic("E019", "the line should have ended here", file.span(at, at + 1), QUOTES)
    return _indentation(file, line, "it begins in another column than the lines that it belongs with")


def _among_items(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    return _indentation(
        file, file.position(at)[0], "it stands among list items, which begin with a dash and a space"
    )


def _indentation(file: SourceFile, line: int, why: str) -> Diagnostic:
    content = file.lines[line - 1]
    column = len(content) - len(content.lstrip()) + 1
    place = Span(file, line, column, line, len(content.rstrip()) + 1)
    help_ = "indent with spaces, lines of one mapping or list all by the same number"
    return Diagnostic("E011", f"the indentation of this line does not fit: {why}", place, help_)


def _unclosed(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    opening = text[start : start + 1]
    closing = "]" if opening == "[" else "}"
    message = f"the '{opening}' that opens here is not closed, or a ',' is missing between two of its entries"
    note = Note("reading stopped at", file.span(at, at + 1))
    return Diagnostic("E012", message, file.span(start, start + 1), f"end it with '{closing}'", (note,))


def _open_quote(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    message = "the quote that opens here is never closed"
    return Diagnostic(
        "E012", message, file.span(start, start + 1), "close the text with the same quote that opens it"
    )


def _bad_start(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    if text[at : at + 1] == "\t":
        help_ = "replace the tab by spaces"
        return Diagnostic("E010", "a tab cannot indent YAML", file.span(at, at + 1), help_)
    return Diagnostic(
        "E013", f"text cannot begin with {quote(text[at : at + 1])}", file.span(at, at + 1), QUOTES
    )


def _inline_item(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    help_ = "put each item on its own line, or the whole list in brackets: [a, b]"
    return Diagnostic("E011", "a list item cannot begin on the line of its key", file.span(at, at + 1), help_)


def _escape(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    while at > start and text[at] != "\\":  # the two parsers of PyYAML point at the backslash or behind it
        at -= 1
    help_ = "write \\\\ for one backslash, or use single quotes, where it stands for itself"
    message = f"{text[at : at + 2].strip()} means nothing inside double quotes"
    return Diagnostic("E012", message, file.span(at, at + 2), help_)


def _tag(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    help_ = 'remove it; put text that begins with "!" in quotes'
    return Diagnostic("E022", "a tag that nothing defines", file.span(start, start + 1), help_)


def _no_value(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    found = text[at : at + 1]
    if not found.strip():
        return Diagnostic("E013", "a value is missing at the end", file.span(at, at + 1))
    help_ = {",": "remove the ',' that has nothing before it", "]": "no '[' is open that it could close",
             "}": "no '{' is open that it could close"}.get(found, QUOTES)  # fmt: skip
    return Diagnostic("E013", f"a value should stand here, not {quote(found)}", file.span(at, at + 1), help_)


def _anchor(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    sign = text[start : start + 1]
    message = f"text cannot begin with {quote(sign)}, which refers to another value"
    return Diagnostic("E013", message, file.span(start, start + 1), QUOTES)


def _block_text(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    sign = text[start : start + 1]
    help_ = f"begin the text on the next line, indented; or put text that begins with '{sign}' in quotes"
    return Diagnostic("E013", f"after '{sign}' the line must end", file.span(at, at + 1), help_)


def _directive(file: SourceFile, text: str, at: int, start: int) -> Diagnostic:
    help_ = "remove the line; specs are YAML 1.2 and need no directive"
    return Diagnostic("E019", "a YAML directive that is not known", file.span(start, start + 1), help_)


REASONS = (
    (r"mapping values are not allowed", _colon),
    (r"could not find expected ':'", _no_colon),
    (r"unexpected end of stream", _open_quote),
    (r"flow (sequence|mapping);", _unclosed),
    (r"cannot start any token|found a tab", _bad_start),
    (r"scanning an (anchor|alias)", _anchor),
    (r"block scalar;", _block_text),
    (r"a tag;|tag handle", _tag),
    (r"directive|incompatible|<document start>", _directive),
    (r"sequence entries are not allowed", _inline_item),
    (r"unknown escape|escape sequence", _escape),
    (r"node content", _no_value),
    (r"block mapping;", _misfit),
    (r"block (collection|sequence);", _among_items),
)


def blank_section(text: str, line: int) -> tuple[str, str | None] | None:
    """The text without the top-level section around a line (from 1), keeping its length and its line breaks,
    and the section's key, which stays with no value. None if nothing is left to blank."""
    breaks = [*LINE.finditer(text)]
    starts = [0, *(found.end() for found in breaks)]
    ends = [*(found.start() for found in breaks), len(text)]
    first = line - 1
    while first > 0 and not _begins(text[starts[first] : ends[first]]):
        first -= 1
    last = first + 1
    while last < len(starts) and not _begins(text[starts[last] : ends[last]]):
        last += 1
    header = HEADER.match(text, starts[first], ends[first])
    keep = header.end() if header else starts[first]
    blanked = re.sub(r"[^\r\n]", " ", text[keep : ends[last - 1]])
    if blanked == text[keep : ends[last - 1]]:
        return None
    return text[:keep] + blanked + text[ends[last - 1] :], header["key"].strip() if header else None


def _begins(line: str) -> bool:
    """Whether a line begins a top-level section: closing brackets and unindented list items belong to the one
    above."""
    return bool(line) and line[0] not in " \t#]}-" or line.startswith("---")
