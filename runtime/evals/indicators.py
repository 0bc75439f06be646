"""Indicators: what a completion of alphaTex is judged by, each a share from 0 to 1, or None where it cannot apply.

Only what the completion adds counts. Where the prompt already holds the thing asked for, as a title that stands complete in
it, the indicator does not apply and is left out of the mean. alphaTex writes a note as fret.string: 24.1 is fret 24 on
string 1; strings run from 1 to 6, frets from 0 to 24, durations are powers of two from 1 to 64.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .. import alphatex

Indicator = Callable[[str, str], float | None]

_FRET = r"(?:2[0-4]|1\d|\d|x|-)"
_EFFECT = r"(?:\{[^{}\n]*\})?"
_DURATION = r"(?:64|32|16|8|4|2|1)"
_NOTE = re.compile(rf"(?<![\d.]){_FRET}\.[1-6]{_EFFECT}(?!\d|\.\d+\.)")
_TAG = re.compile(r"\\\w+(?:\s*\([^()\n]*\)|\s*\"[^\"\n]*\"|\s*\{[^{}\n]*\}|[ ]+\d+)*")
_CHORD = rf"\((?:\s*{_FRET}\.[1-6]{_EFFECT}\s*)+\)"
_SUFFIXED = re.compile(rf"(?<![\d.])(?:{_FRET}\.[1-6]{_EFFECT}|{_CHORD}|r)\.{_DURATION}(?![\d.])")
_STICKY = re.compile(rf"(?<!\S):{_DURATION}(?=\s)")
_WORD = re.compile(rf"(?:{_FRET}\.[1-6]{_EFFECT}|{_CHORD}|r)(?:\.{_DURATION})?(?:\{{[^{{}}\n]*\}})?(?:\*\d+)?|:{_DURATION}|\|")
_EFFECTS = ("h", "pm", "sl", "ss", "t", "v", "b", "x", "g", "nh", "lr", "st", "ac", "hac", "ten", "tr", "d", "dd", "tu",
            "dy", "ch", "f", "gr", "p", "be", "su", "sd", "bu", "bd", "txt", "slur", "sib", "sia", "sou", "sod")
_EFFECT_USED = re.compile(rf"(?<=[\d)xr])\{{(?:{'|'.join(_EFFECTS)})(?:\s[^{{}}\n]*)?\}}")


def _completes(pattern: str) -> Indicator:
    """An indicator for a piece of metadata: whether the completion brings the end of a match."""
    compiled = re.compile(pattern)

    def indicator(prompt: str, completion: str) -> float | None:
        if compiled.search(prompt):
            return None
        return float(compiled.search(prompt + completion) is not None)

    return indicator


def has_bars(prompt: str, completion: str) -> float:
    """At least two bar lines in the completion, each with a note before it."""
    bars = completion.split("|")[:-1]
    return float(sum(_NOTE.search(bar) is not None for bar in bars) >= 2)


def has_fret_number(prompt: str, completion: str) -> float:
    """A note on a real fret and string."""
    return float(_NOTE.search(completion) is not None)


def has_fret_numbers(prompt: str, completion: str) -> float:
    """At least two notes on real frets and strings."""
    return float(len(_NOTE.findall(completion)) >= 2)


def _words(completion: str) -> list[str]:
    """The whole words between a completion's tags: the first and the last may be cut, a group in brackets is one word."""
    grouped = _TAG.sub(" ", completion)
    for group in (r"\{[^{}\n]*\}", r"\([^()\n]*\)"):
        grouped = re.sub(group, lambda match: match[0].replace(" ", "\0"), grouped)
    return [word.replace("\0", " ") for word in grouped.split()][1:-1]


def has_dot_separator(prompt: str, completion: str) -> float:
    """The share of words with digits that join them by dots as fret.string or fret.string.duration."""
    words = [word for word in _words(completion) if re.search(r"\d", word) and word[0] not in "\\:"]
    return sum("." in word and _WORD.fullmatch(word) is not None for word in words) / len(words) if words else 0.0


def valid_format(prompt: str, completion: str) -> float:
    """The share of sound bars up to the completion's last bar line, by the alphaTex checker."""
    return alphatex.validity(prompt + completion).share if "|" in completion and _NOTE.search(completion) else 0.0


def has_rhythm(prompt: str, completion: str) -> float:
    """A legal duration: behind a note or chord, or in front of one as `:8`."""
    return float(bool(_suffixed(prompt, completion) or _STICKY.search(completion)))


def has_rhythm_dot(prompt: str, completion: str) -> float:
    """A legal duration behind a note or chord; after a prompt that ends in a dot, right there."""
    if prompt.endswith("."):
        return float(re.match(rf"{_DURATION}(?![\d.])", completion) is not None)
    return float(_suffixed(prompt, completion))


def _suffixed(prompt: str, completion: str) -> bool:
    """Whether a duration behind a note ends inside the completion."""
    return any(match.end() > len(prompt) for match in _SUFFIXED.finditer(prompt + completion))


def has_parentheses(prompt: str, completion: str) -> float:
    """A chord that opens and closes in the completion and holds real notes."""
    return float(re.search(_CHORD, completion) is not None)


def has_effects(prompt: str, completion: str) -> float:
    """A known note or beat effect in braces behind a note or chord."""
    return float(_EFFECT_USED.search(completion) is not None)


def is_valid(prompt: str, completion: str) -> float:
    """Whether prompt and completion, up to the completion's last bar line, are valid alphaTex."""
    return alphatex.validity(prompt + completion).score if "|" in completion else 0.0


INDICATORS: dict[str, Indicator] = {
    "has_title": _completes(r'\\title\s+"[^"\n]+"'),
    "has_track": _completes(r'\\track\s+(?:"[^"\n]+"|\("[^"\n]+"[^)\n]*\))'),
    "has_braces": _completes(r"\\staff\s*\{(?:score|tabs|slash|numbered|\s)+\}"),
    "has_instrument": _completes(r'\\instrument\s+(?:\d{1,3}|"[^"\n]+")(?=\s)'),
    "has_tempo": _completes(r"\\tempo\s+(?:[4-9]\d|[12]\d\d)(?=\s)"),
    "has_staff": _completes(r"\\staff\s*\{[^{}\n]+\}"),
    "has_bars": has_bars,
    "has_fret_number": has_fret_number,
    "has_dot_separator": has_dot_separator,
    "valid_format": valid_format,
    "has_rhythm": has_rhythm,
    "has_parentheses": has_parentheses,
    "has_fret_numbers": has_fret_numbers,
    "has_rhythm_dot": has_rhythm_dot,
    "has_effects": has_effects,
    "is_valid": is_valid,
}


def score(names: tuple[str, ...], prompt: str, completion: str) -> tuple[float, dict[str, float]]:
    """The mean of the indicators that apply, and each of those."""
    values = {name: INDICATORS[name](prompt, completion) for name in names}
    applying = {name: value for name, value in values.items() if value is not None}
    return (sum(applying.values()) / len(applying) if applying else 0.0), applying
