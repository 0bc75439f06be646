"""Indicators: what a completion of alphaTex is judged by, each a share from 0 to 1, or None where it does not apply.

Only what the completion adds counts (`reading.py`), and only where it can be asked for: a title is not asked of a
prompt that has one or has gone past it, chords and effects are asked of prompts that show one, since music without them
is no mistake. What does not apply is left out of the mean. The conditions depend on the prompt alone, so that every
model is asked the same. alphaTex writes a note as fret.string: 24.1 is fret 24 on string 1.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import alphatex
from ..alphatex.grammar import TAGS
from ..alphatex.lexer import STRING, TAG, tokenize
from .reading import read

Indicator = Callable[[str, str], float | None]

VERSION = 1
"""Goes up when an indicator judges otherwise than before: results of another version are measured again."""
HEADER = {"title": 0, "tempo": 1, "track": 2, "staff": 3, "instrument": 3}
"""Where in a piece's header a tag stands; a prompt that has got further is not asked for it."""
TEMPI = range(20, 401)
LONGEST_NAME = 60
PUNCTUATION = frozenset(" '’-–,.!?&()#:/")


def _asked(prompt: str, name: str) -> bool:
    """Whether a prompt stops before the tag, or within it."""
    tokens, _ = tokenize(prompt)
    tags = [token.text for token in tokens if token.kind == TAG and token.text in TAGS]
    if not tags:
        return not tokens
    further = any(HEADER.get(tag, 0) > HEADER[name] for tag in tags) or "|" in prompt
    return not further and read("", prompt + "\n").tag(name) is None


def _is_name(text: str) -> bool:
    """Whether text in quotes can be a name: short, and letters for the most part."""
    letters = sum(character.isalpha() for character in text)
    known = all(character.isalnum() or character in PUNCTUATION for character in text)
    return known and len(text) <= LONGEST_NAME and letters > 0.6 * len(text.replace(" ", ""))


def _named(prompt: str, completion: str, name: str) -> float | None:
    if not _asked(prompt, name):
        return None
    tag = read(prompt, completion).tag(name)
    names = [argument.text for argument in tag.arguments if argument.kind == STRING] if tag else []
    return float(bool(names) and _is_name(names[0]))


def has_title(prompt: str, completion: str) -> float | None:
    """A title that reads like a name; the part before the completion may be the prompt's."""
    return _named(prompt, completion, "title")


def has_track(prompt: str, completion: str) -> float | None:
    """A track with a name."""
    return _named(prompt, completion, "track")


def has_tempo(prompt: str, completion: str) -> float | None:
    """A tempo from 20 to 400 quarters a minute."""
    if not _asked(prompt, "tempo"):
        return None
    tag = read(prompt, completion).tag("tempo")
    return float(tag is not None and any(int(argument.number or 0) in TEMPI for argument in tag.arguments))


def has_staff(prompt: str, completion: str) -> float | None:
    """A staff that says what it shows, such as `\\staff {score tabs}`."""
    if not _asked(prompt, "staff"):
        return None
    tag = read(prompt, completion).tag("staff")
    return float(tag is not None and bool(tag.properties))


def has_instrument(prompt: str, completion: str) -> float | None:
    """An instrument: a General MIDI program from 0 to 127, or a name."""
    return float(read(prompt, completion).tag("instrument") is not None) if _asked(prompt, "instrument") else None


def has_braces(prompt: str, completion: str) -> float | None:
    """Braces that are closed and hold what belongs there; not asked of a prompt that has a pair."""
    if "{" in prompt:
        return None
    added = read(prompt, completion)
    return float(added.effects > 0 or any(tag.properties for tag in added.tags))


def has_bars(prompt: str, completion: str) -> float:
    """At least two sound bars with their bar lines, and no fewer than half of all bars sound."""
    added = read(prompt, completion)
    return float(added.closed >= 2 and added.sound >= added.broken)


def has_fret_number(prompt: str, completion: str) -> float:
    """A note on a real fret and string."""
    return float(read(prompt, completion).notes >= 1)


def has_fret_numbers(prompt: str, completion: str) -> float:
    """At least two notes on real frets and strings."""
    return float(read(prompt, completion).notes >= 2)


def has_dot_separator(prompt: str, completion: str) -> float:
    """Of the notes, the share that is written fret.string; what cannot be read in a bar counts as one more note."""
    added = read(prompt, completion)
    return added.notes / (added.notes + added.lost) if added.notes else 0.0


def valid_format(prompt: str, completion: str) -> float:
    """Of the bars that the completion wrote in, the share that is sound."""
    added = read(prompt, completion)
    return added.sound / (added.sound + added.broken) if added.notes else 0.0


def has_rhythm(prompt: str, completion: str) -> float:
    """A legal duration (1, 2, 4, 8, 16, 32 or 64) behind a beat as `.8`, or before one as `:8`."""
    return float(read(prompt, completion).durations >= 1)


def has_rhythm_dot(prompt: str, completion: str) -> float | None:
    """A legal duration behind a beat; after a prompt that ends in a dot, right there.

    Not asked of prompts that set durations in front (`:8`), since pieces are written in one way or the other.
    """
    added = read(prompt, completion)
    if prompt.endswith("."):
        return float(added.across)
    return None if ":" in prompt else float(added.suffixes >= 1)


def has_parentheses(prompt: str, completion: str) -> float | None:
    """A chord of its own, opened and closed, with two notes or more; asked of prompts that show a chord."""
    return float(read(prompt, completion).chords >= 1) if "(" in prompt else None


def has_effects(prompt: str, completion: str) -> float | None:
    """A known effect in braces behind a note or beat; asked of prompts that show an effect."""
    return float(read(prompt, completion).effects >= 1) if "{" in prompt else None


def is_valid(prompt: str, completion: str) -> float:
    """Whether prompt and completion are valid as far as the last bar line, with a bar of the completion's own in it."""
    return float(read(prompt, completion).closed >= 1 and alphatex.validity(prompt + completion).valid)


INDICATORS: dict[str, Indicator] = {
    "has_title": has_title,
    "has_track": has_track,
    "has_braces": has_braces,
    "has_instrument": has_instrument,
    "has_tempo": has_tempo,
    "has_staff": has_staff,
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


def score(names: tuple[str, ...], prompt: str, completion: str) -> tuple[float | None, dict[str, float]]:
    """The mean of the indicators that apply (None where none does), and each of those."""
    values = {name: INDICATORS[name](prompt, completion) for name in names}
    applying = {name: value for name, value in values.items() if value is not None}
    return (sum(applying.values()) / len(applying) if applying else None), applying
