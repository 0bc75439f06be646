"""What a completion adds to its prompt, read by the grammar of alphaTex: prompt and completion in, `Added` out.

Prompt and completion are read as one text and the prompt by itself; what only the first reading has is the
completion's. The text is cut behind its last whole beat or tag, since sampling stops anywhere. A bar is sound when the
grammar can read all of it, it holds a note, and every note is a fret from 0 to 24 (or `x`, `-`) on a string from 1 to
6. Notes, chords, durations and effects count in sound bars only, so that fragments amid noise are worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..alphatex.lexer import CLOSE, CLOSE_BRACE, COLON, NUMBER, OPEN, OPEN_BRACE, PIPE, TAG, Token, tokenize
from ..alphatex.parser import Bar, Beat, Effect, Meta, Note, parse

FRETS, STRINGS = range(25), range(1, 7)
DURATIONS = frozenset({1, 2, 4, 8, 16, 32, 64})


@dataclass(frozen=True)
class Added:
    """The completion's own. `tags` it brought to an end; `durations` are `:8` and `.8`, `suffixes` `.8` alone; `across`
    is the `.8` of the beat that the prompt began. `sound`, `broken` and `closed` count the bars that it wrote in: a bar
    of rests is neither sound nor broken, a closed one is sound and has its bar line. `lost` counts notes in other bars.
    """

    tags: tuple[Meta, ...]
    notes: int
    chords: int
    effects: int
    durations: int
    suffixes: int
    across: bool
    sound: int
    broken: int
    closed: int
    lost: int

    def tag(self, name: str) -> Meta | None:
        """The first tag of that name that the completion brought to an end."""
        return next((tag for tag in self.tags if tag.name == name), None)


@dataclass(frozen=True)
class _Part:
    """What the completion has in one beat."""

    notes: int
    chord: bool
    effects: int
    change: bool
    suffix: bool


@lru_cache(maxsize=1024)
def read(prompt: str, completion: str) -> Added:
    """What the completion adds; never raises."""
    begin = len(prompt)
    tokens, lost_bars = _whole_tokens(prompt + completion)
    bars, said = parse(tokens)[0], parse(tokenize(prompt)[0])[0]
    said_tags = {meta.token.start: meta for bar in said for meta in bar.metas}
    said_beats = {beat.token.start: beat for bar in said for beat in bar.beats}
    touched = list(_touched(bars, tokens, begin))
    sound = [bar for bar in touched if is_sound(bar)]
    unsound = [bar for bar in touched if bar.broken or not all(map(is_note, _notes(bar)))]
    last = max((beat.token.start for bar in bars for beat in bar.beats if beat.token.start < begin), default=begin)
    parts = {beat.token.start: _part(beat, said_beats.get(beat.token.start), begin)
             for bar in sound for beat in bar.beats if beat.token.start >= last}
    own = parts.values()
    return Added(
        tags=tuple(meta for bar in bars for meta in bar.metas if said_tags.get(meta.token.start) != meta),
        notes=sum(part.notes for part in own), chords=sum(part.chord for part in own),
        effects=sum(part.effects for part in own), durations=sum(part.change + part.suffix for part in own),
        suffixes=sum(part.suffix for part in own), across=last < begin and last in parts and parts[last].suffix,
        sound=len(sound), broken=len(unsound) + lost_bars, closed=sum(bar.closed for bar in sound),
        lost=lost_bars + sum(1 + len(_notes(bar)) for bar in unsound),
    )


def is_note(note: Note) -> bool:
    """Whether a note is fret.string on a guitar."""
    fret = int(note.value.text[:10]) in FRETS if note.value.kind == NUMBER else note.value.text in ("x", "-")
    return fret and note.string in STRINGS


def is_sound(bar: Bar) -> bool:
    """Whether all of a bar can be read, it holds a note, and all its notes are fret.string."""
    return not bar.broken and bool(_notes(bar)) and all(map(is_note, _notes(bar)))


def _notes(bar: Bar) -> list[Note]:
    return [note for beat in bar.beats for note in beat.notes]


def _whole_tokens(text: str) -> tuple[list[Token], int]:
    """The tokens up to the last whole beat, tag or bar line, and the bar lines behind a place that cannot be read."""
    tokens, unreadable = tokenize(text)
    depth = end = 0
    for count, token in enumerate(tokens, 1):
        depth += (token.kind in (OPEN, OPEN_BRACE)) - (token.kind in (CLOSE, CLOSE_BRACE))
        if token.kind == PIPE or (depth <= 0 and text[token.end : token.end + 1].isspace()):
            end = count
    kept = tokens[:end]
    while kept and (kept[-1].kind == TAG or [token.kind for token in kept[-2:]] == [COLON, NUMBER]):
        kept = kept[: -1 if kept[-1].kind == TAG else -2]
    return kept, text.count("|", tokens[-1].end if tokens else 0) if unreadable else 0


def _touched(bars: list[Bar], tokens: list[Token], begin: int) -> Iterator[Bar]:
    """The bars in which the completion has more than the bar line."""
    written = [token.start for token in tokens if token.end > begin and token.kind != PIPE]
    for place, bar in enumerate(bars):
        end = bars[place + 1].token.start if place + 1 < len(bars) else tokens[-1].end
        if any(bar.token.start <= start < end for start in written):
            yield bar


def _part(beat: Beat, said: Beat | None, begin: int) -> _Part:
    """The completion's part of a beat; `said` is the same beat as far as the prompt has it."""
    own = [note for note in beat.notes if note.value.end + 1 >= begin]
    effects: list[Effect] = [*beat.effects, *(effect for note in beat.notes for effect in note.effects)]
    return _Part(
        notes=len(own), chord=len(own) > 1 and len(own) == len(beat.notes),
        effects=sum(effect.token.start >= begin for effect in effects),
        change=beat.change in DURATIONS and beat.token.start >= begin - 1,
        suffix=beat.duration in DURATIONS and (said is None or said.duration != beat.duration),
    )
