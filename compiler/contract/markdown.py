"""Text of a spec as safe Markdown: a string in, out comes what shows it as it is.

Strings of a spec pass through one of these (`inline`, `prose`, `code`, `fence`, `blockquote`), so that none of them can
break a table, leave its fence or inject HTML.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from . import quantities
from .promises import Text

LANGUAGES = ("zh", "en")

# Control and format characters, lone surrogates, line and paragraph separators; not the soft hyphen and the joiners, which are
# part of how words of some languages and emoji are written. A list, since Python's own tables differ from version to version.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e"
                     "\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
                     "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"})
_SPECIAL = re.compile(r"[\\`*\[\]~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LINE_START = re.compile(r"[#=]|[+-](?=\s|$|-)|\d{1,9}(?=[.)](?:\s|$))")
_CODE_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def say(text: Text, language: str) -> str:
    """Prose in `language`, else the text that serves all, else the one language there is; empty where there is none."""
    for key in (language, "any", *LANGUAGES):
        if text.get(key):
            return text[key]
    return ""


def visible(text: str, keep: str = "") -> str:
    """`text` with control and format characters and lone surrogates as `\\u202e`, except those in `keep`."""
    return _HIDDEN.sub(lambda match: match[0] if match[0] in keep else _escaped(match[0]), text)


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@functools.lru_cache(4096)  # the documents of a series say the same names and reasons again and again: a tenth of their time
def inline(text: str) -> str:
    """One line of Markdown that shows `text` as it is; `code` spans stay code. Safe in paragraphs and table cells."""
    flat = visible(" ".join(_lines(text).split()))
    parts = _CODE_SPAN.split(flat)
    shown = "".join(code(part) if index % 2 else _plain(part) for index, part in enumerate(parts))
    start = _LINE_START.match(shown)
    if not start:
        return shown
    return f"{start[0]}\\{shown[start.end():]}" if start[0].isdigit() else f"\\{shown}"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text).translate(_ENTITIES)


def prose(text: str) -> str:
    """Paragraphs (parted by empty lines in `text`) of Markdown that show `text` as it is."""
    paragraphs = re.split(r"\n\s*\n", _lines(text).strip())
    return "\n\n".join(inline(paragraph) for paragraph in paragraphs)


@functools.lru_cache(4096)
def code(text: str, in_table: bool = True) -> str:
    """An inline code span (`in_table`: safe in a cell too); line ends, tabs and outer spaces become visible."""
    shown = visible(_lines(text).replace("\n", "⏎").replace("\t", "⇥"))
    body = shown.strip(" ")
    left = len(shown) - len(shown.lstrip(" ")) if body else len(shown)
    shown = "␣" * left + body + "␣" * (len(shown) - left - len(body))
    if shown and "`" not in shown and not (in_table and ("|" in shown or shown.endswith("\\"))):
        return f"`{shown}`"
    return "<code>" + "".join(c if c.isalnum() or c in " .,:;␣⏎⇥" else f"&#{ord(c)};" for c in shown) + "</code>"


def fence(text: str, language: str = "text") -> str:
    """A fenced block with `text` word for word; its fence is longer than any run of backticks in it."""
    body = visible(_lines(text), keep="\n\t").rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{body}\n{marks}"


def blockquote(text: str) -> str:
    """A person's own Markdown as a block quote: its structure stays inside, its HTML is shown instead of taken."""
    lines = visible(_lines(text), keep="\n\t").strip("\n").split("\n")
    return "\n".join(("> " + _TAG.sub("&lt;", line)).rstrip() for line in lines)


def amount(value: float | None, unit: str) -> str:
    """A value in its unit: bytes, seconds, fraction (as per cent), nats, bits, per_second, number, or a currency."""
    if value is None:
        return quantities.DASH
    formats: dict[str, Callable[[float], str]] = {
        "bytes": quantities.size,
        "seconds": quantities.duration,
        "fraction": quantities.percent,
        "nats": lambda x: quantities.decimal(x, 3) + " nats",
        "bits": lambda x: quantities.decimal(x, 3) + " bits",
        "per_second": lambda x: quantities.decimal(x, 0 if abs(x) >= 100 else 2) + "/s",
        "number": _number,
    }
    return formats[unit](value) if unit in formats else f"{quantities.decimal(value)} {inline(unit)}"


def _number(value: float) -> str:
    if abs(value) >= 1e12:
        return f"{value:.4g}"
    return f"{int(value):,}" if value == int(value) else quantities.significant(value)


def signed(value: float | None, digits: int = 1) -> str:
    """Fixed decimals with the sign always shown; a dash for None."""
    shown = quantities.decimal(value, digits)
    return shown if value is None or shown.startswith("-") else f"+{shown}"
