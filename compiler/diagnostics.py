"""What is wrong, where, and what was meant. In: findings of any phase. Out: `Diagnostic` values (a user's
mistake never raises), ordered and without repeats, and `nearest`, which finds the name that a misspelt one
stands for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import Enum
from functools import lru_cache

from .contract.record import dataclass
from .source import Span

MAX_FOUND = 500  # mistakes of one file after which the others are not looked at
BEYOND = "E024"


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Note:
    """A second thing to know. With a span, the place is printed right after the text ("inherited from"
    file:1:2)."""

    text: str
    span: Span | None = None


@dataclass(frozen=True)
class Diagnostic:
    """One finding. The code's letter is its severity: E102 is an error, W301 a warning. `keys` are those of the
    spec that it is about, its own first; `figures` fill the sentence `warning.<code>` of each language."""

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    notes: tuple[Note, ...] = ()
    keys: tuple[str, ...] = ()
    figures: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def severity(self) -> Severity:
        return Severity.WARNING if self.code.startswith("W") else Severity.ERROR


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(found.severity is Severity.ERROR for found in diagnostics)


def ordered(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file and place; what has no place comes first. The same finding met on two ways (through two
    profiles, or a base file checked by itself and as a base) is kept once, as it was met first."""
    kept: dict[tuple[object, ...], Diagnostic] = {}
    for found in diagnostics:
        kept.setdefault((found.code, found.message, found.span), found)
    return sorted(
        kept.values(), key=lambda found: (found.span.order if found.span else ("", 0, 0), found.code)
    )


def too_many(where: str, span: Span | None) -> Diagnostic:
    """Says that not all mistakes are said."""
    return Diagnostic(BEYOND, f"more than {MAX_FOUND} mistakes in {where}; the others are not looked at", span,
                      "mend those above first")


def quote(text: str, limit: int = 60) -> str:
    """A user's text for a message: on one line, in double quotes, cut at `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return json.dumps(cut, ensure_ascii=False)


def listing(words: Iterable[str], limit: int = 16) -> str:
    """Words for a message: "a, b, c", or the first of them and how many more there are."""
    names = list(words)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` is most likely a slip for, or None when none is near.

    Case and - _ space count for nothing; a letter dropped, doubled, changed or swapped counts one, and about
    a third of the letters may differ; the same parts in another order (lr_matrix) are a match.
    """
    best: tuple[float, float] | None = None
    found = None
    for candidate in candidates:
        score = _score(_normal(word[:80]), _normal(candidate[:80]))
        if score is not None and (best is None or score < best):
            best, found = score, candidate
    return found


@lru_cache(maxsize=4096)
def _normal(word: str) -> str:
    return re.sub(r"[-\s.]+", "_", word.strip().casefold())


def _score(word: str, candidate: str) -> tuple[float, float] | None:
    """Smaller is nearer, None is too far: the edits, then how little the two have in common."""
    if not word or not candidate or _too_far(word, candidate):
        return None
    from difflib import SequenceMatcher  # here: a spec without mistakes needs none of it

    unlike = 1 - SequenceMatcher(None, word, candidate, autojunk=False).ratio()
    edits = _edits(word, candidate)
    longest = max(len(word), len(candidate))
    if edits <= 1 and (longest > 2 or set(word) <= set(candidate)) or edits <= longest // 3:
        return float(edits), unlike
    if sorted(word.split("_")) == sorted(candidate.split("_")):
        return 1.5, unlike
    return (edits + 1.0, unlike) if longest >= 6 and unlike <= 0.25 else None


def _too_far(word: str, candidate: str) -> bool:
    """Whether the letters that two words have in common rule out that they are near; spares the costly comparison."""
    longest, both = max(len(word), len(candidate)), len(word) + len(candidate)

    def apart(common: int) -> bool:
        return longest - common > max(1, longest // 3) and 2 * common < 0.75 * both

    return apart(both - longest) or apart(sum((_letters(word) & _letters(candidate)).values()))


@lru_cache(maxsize=4096)
def _letters(word: str) -> Counter[str]:
    return Counter(word)


def _edits(left: str, right: str) -> int:
    """Damerau-Levenshtein distance, swaps of neighbours counted once (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, above, row = row, before, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
