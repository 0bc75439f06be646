"""What a YAML syntax error means. In: PyYAML's error and the text. Out: a diagnostic that says in a
beginner's words what to change, at the place to change, which is often not where the parser stopped. The
parsers' wordings (libyaml's and PyYAML's own differ) are told apart by `REASONS`."""

from __future__ import annotations

import re
from functools import cached_property

import yaml

from ..contract.record import dataclass
from ..diagnostics import Diagnostic, Note, quote
from ..source import LINE, SourceFile, Span

QUOTES = 'put the text in quotes: "…"'
MAX_KEY = 1024  # characters, by the rules of YAML for a key without a question mark
SAME_QUOTE = "close the text with the same quote that opens it"


@dataclass(frozen=True)
class _Error:
    """Where the parser stopped (`at`) and where it began what it could not finish (`start`), as character
    indexes."""

    file: SourceFile
    text: str
    at: int
    start: int

    @cached_property
    def lines(self) -> list[str]:
        return LINE.split(self.text)

    @property
    def here(self) -> Span:
        return self.file.span(self.at, self.at + 1)

    @property
    def opening(self) -> Span:
        return self.file.span(self.start, self.start + 1)

    @property
    def stopped(self) -> str:
        return self.text[self.at : self.at + 1]

    @property
    def line(self) -> int:
        return self.file.position(self.at)[0]

    @property
    def before(self) -> str:
        """The line up to where the parser stopped."""
        return self.lines[self.line - 1][: self.file.position(self.at)[1] - 1]

    def content(self, line: int) -> tuple[str, Span]:
        """A line without its indentation and comment, and its place."""
        whole = self.lines[line - 1].split(" #")[0].rstrip()
        column = len(whole) - len(whole.lstrip()) + 1
        return whole.strip(), Span(self.file, line, column, line, len(whole) + 1)


def explain(error: yaml.YAMLError, file: SourceFile, text: str, quoted: Span | None) -> Diagnostic:
    """`quoted` is the last quoted text before the error; if it runs over several lines, its end is the
    suspect."""
    mark = getattr(error, "problem_mark", None)
    problem = f"{getattr(error, 'context', None) or ''}; {getattr(error, 'problem', None) or ''}"
    if mark is None:  # a reader error: its characters have been checked before, so this is rare
        return Diagnostic("E019", "this is not valid YAML", file.span(0, 1))
    opening = getattr(error, "context_mark", None)
    at = min(mark.index, len(text))
    found = _Error(file, text, at, min(opening.index, len(text)) if opening else at)
    if quoted is not None and quoted.line < quoted.end_line == found.line:
        return _quote_closed_late(quoted)
    for pattern, reason in REASONS:
        if re.search(pattern, problem):
            return reason(found)
    return Diagnostic("E019", f"this is not valid YAML ({problem.strip('; ')})", found.here)


def _quote_closed_late(quoted: Span) -> Diagnostic:
    first = Span(quoted.file, quoted.line, quoted.column, quoted.line, quoted.column + 1)
    message = (
        f"the quote that opens here is not closed on its line, but by the next one, in line {quoted.end_line}"
    )
    return Diagnostic("E012", message, first, SAME_QUOTE)


def _open_quote(error: _Error) -> Diagnostic:
    return Diagnostic("E012", "the quote that opens here is never closed", error.opening, SAME_QUOTE)


def _colon(error: _Error) -> Diagnostic:
    """A ':' where no key can stand: a second one in the line, or a line that hangs under a finished value."""
    if re.search(r":\s", error.before):
        message = "a second ': ' in one line: the first made a key, and its value cannot hold another one"
        return Diagnostic("E013", message, error.here, QUOTES)
    above = next((n for n in range(error.line - 1, 0, -1) if error.lines[n - 1].split("#")[0].strip()), None)
    if above and not re.search(r":(\s|$)", error.lines[above - 1]):
        return _neither(error, above)
    column = len(error.before) - len(error.before.lstrip()) + 1
    place = Span(error.file, error.line, column, error.line, len(error.before) + 1)
    help_ = "begin it in the same column as the line above, or leave the value above empty to nest under it"
    return Diagnostic("E011", "this line is indented below a value that is already complete", place, help_)


def _no_colon(error: _Error) -> Diagnostic:
    return _neither(error, error.file.position(error.start)[0])


def _neither(error: _Error, line: int) -> Diagnostic:
    content, place = error.content(line)
    key = content.partition(":")[0]
    if len(key) > MAX_KEY and key != content:
        return Diagnostic("E014", f"a key of {len(key):,} characters; YAML reads none of more than {MAX_KEY:,}", place)
    help_ = "write key: value with a space after the colon, or begin a list item with a dash and a space"
    return Diagnostic("E014", f"{quote(content)} is neither a key with a value nor a list item", place, help_)


def _misfit(error: _Error) -> Diagnostic:
    """Something in a mapping that is not its next key."""
    if error.before.rstrip().endswith(("'", '"')):
        help_ = "inside single quotes write '' for ', inside double quotes write \\\" for \""
        return Diagnostic("E012", "the text goes on after its closing quote", error.here, help_)
    if error.stopped == ":":
        return Diagnostic("E026", "a key is missing before the ':'", error.here, "write key: value")
    if error.text[error.at : error.at + 2].strip() == "-":
        help_ = "give the list a key, and put its items below that"
        return Diagnostic("E011", "a list item stands among the keys of a mapping", error.here, help_)
    if error.before.strip():
        return Diagnostic("E019", "the line should have ended here", error.here, QUOTES)
    return _indentation(error, "it begins in another column than the lines that it belongs with")


def _among_items(error: _Error) -> Diagnostic:
    return _indentation(error, "it stands among list items, which begin with a dash and a space")


def _indentation(error: _Error, why: str) -> Diagnostic:
    help_ = "indent with spaces, lines of one mapping or list all by the same number"
    message = f"the indentation of this line does not fit: {why}"
    return Diagnostic("E011", message, error.content(error.line)[1], help_)


def _beside(error: _Error) -> Diagnostic:
    """Something beside the one value of the file: most often the file's first line is indented and the rest
    is not."""
    first = next(n for n, line in enumerate(error.lines, 1) if line.split("#")[0].strip(" -\t"))
    content, place = error.content(first)
    if place.column > 1 and place.line < error.line:
        return Diagnostic(
            "E011", "the first line is indented, and others are not", place, "begin it in the first column"
        )
    return Diagnostic("E019", "the value of the file is complete before this", error.here, "write key: value")


def _unclosed(error: _Error) -> Diagnostic:
    if error.text[error.at - 1 : error.at + 1] == "${":
        end = error.text.find("}", error.at)
        place = error.file.span(error.at - 1, max(end + 1, error.at + 1))
        return Diagnostic("E013", "inside of brackets or braces, a reference needs quotes", place, 'write "${…}"')
    bracket = error.text[error.start : error.start + 1]
    message = f"the '{bracket}' that opens here is not closed, or a ',' is missing between two of its entries"
    note = Note("reading stopped at", error.here)
    return Diagnostic(
        "E012", message, error.opening, f"end it with '{']' if bracket == '[' else '}'}'", (note,)
    )


def _no_value(error: _Error) -> Diagnostic:
    if not error.stopped.strip():
        start = max(error.text.rfind("["), error.text.rfind("{"))
        return _unclosed(_Error(error.file, error.text, error.at, max(start, 0)))
    known = {
        ",": "remove the ',' that has nothing before it",
        ":": "write a key before the ':'",
        "]": "no '[' is open that it could close",
        "}": "no '{' is open that it could close",
    }
    message = f"a value should stand here, not {quote(error.stopped)}"
    return Diagnostic("E013", message, error.here, known.get(error.stopped, QUOTES))


def _bad_start(error: _Error) -> Diagnostic:
    if error.stopped == "\t":
        return Diagnostic("E010", "a tab cannot indent YAML", error.here, "replace the tab by spaces")
    return Diagnostic("E013", f"text cannot begin with {quote(error.stopped)}", error.here, QUOTES)


def _anchor(error: _Error) -> Diagnostic:
    sign = quote(error.text[error.start : error.start + 1])
    return Diagnostic(
        "E013", f"text cannot begin with {sign}, which has a meaning of its own", error.opening, QUOTES
    )


def _block_text(error: _Error) -> Diagnostic:
    sign = error.text[error.start : error.start + 1]
    help_ = f"begin the text on the next line, indented; or put text that begins with '{sign}' in quotes"
    return Diagnostic("E013", f"after '{sign}' the line must end", error.here, help_)


def _inline_item(error: _Error) -> Diagnostic:
    help_ = "put each item on its own line, or the whole list in brackets: [a, b]"
    return Diagnostic("E011", "a list item cannot begin on the line of its key", error.here, help_)


def _escape(error: _Error) -> Diagnostic:
    at = max(
        error.text.rfind("\\", error.start, error.at + 1), error.start
    )  # the parsers point at it or behind it
    help_ = "write \\\\ for one backslash, or use single quotes, where it stands for itself"
    message = f"{error.text[at : at + 2].strip()} means nothing inside double quotes"
    return Diagnostic("E012", message, error.file.span(at, at + 2), help_)


def _tag(error: _Error) -> Diagnostic:
    help_ = 'remove it; put text that begins with "!" in quotes'
    return Diagnostic("E022", "a tag that nothing defines", error.opening, help_)


REASONS = (
    (r"<document start>", _beside),
    (r"mapping values are not allowed", _colon),
    (r"could not find expected ':'", _no_colon),
    (r"unexpected end of stream", _open_quote),
    (r"flow (sequence|mapping);", _unclosed),
    (r"cannot start any token|found a tab", _bad_start),
    (r"scanning an? (anchor|alias|directive)", _anchor),
    (r"block scalar;", _block_text),
    (r"a tag;|tag handle", _tag),
    (r"sequence entries are not allowed", _inline_item),
    (r"unknown escape|escape sequence", _escape),
    (r"node content|plain scalar;|keys are not allowed", _no_value),
    (r"block mapping;", _misfit),
    (r"block (collection|sequence);", _among_items),
)
