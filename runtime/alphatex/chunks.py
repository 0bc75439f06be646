"""Cut long pieces at bar lines into pieces that can stand alone.

In: a piece and a length. Out: pieces of at most that length, each with the score's header and its track's header
repeated, and with what stands in force at its first bar said again: time signature, key, tempo and note value. Tracks
that fit stay together; a track that must be cut is alone in its pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .grammar import SCORE_TAGS, STAFF_TAGS
from .lexer import Token, tokenize
from .parser import Bar, Meta, Tuplet, parse

_SHARED = ("ts", "tempo", "tf")  # in force for all tracks from their bar on
_OF_STAFF = ("ks", "clef", "ottava")
_OPENING = ("track", "staff", "voice")


@dataclass
class _Bar:
    """`own` is what is said here of the standing tags, `tags` the others; `value` the note value if none is stated."""

    tags: str
    body: str
    value: str
    own: dict[str, str]


@dataclass
class _Section:
    """The bars of one staff or voice; the tags that open it in a chunk that holds what comes before it, and alone."""

    joined: str
    alone: str
    bars: list[_Bar] = field(default_factory=list)


def chunk_piece(text: str, max_characters: int) -> list[str]:
    """The piece itself if it is short enough, else its chunks in order, none lost.

    A single bar that is longer with its header than `max_characters` becomes a chunk of its own, too long as it is.
    A text that the checker cannot read is cut behind its bar lines, without headers.
    """
    if len(text) <= max_characters:
        return [text]
    tokens, unreadable = tokenize(text)
    bars, problems = parse(tokens)
    if unreadable or problems or not bars:
        return _blind(text, max_characters)
    header, sections = _sections(text, tokens, bars)
    shared = _timeline(sections)
    return list(_assemble(header, sections, shared, max_characters))


def _blind(text: str, max_characters: int) -> list[str]:
    chunks = [""]
    for part in text.replace("|", "|\0").split("\0"):
        if chunks[-1] and len(chunks[-1]) + len(part) > max_characters:
            chunks.append("")
        chunks[-1] += part
    return [chunk for chunk in chunks if chunk.strip()]


def _sections(text: str, tokens: list[Token], bars: list[Bar]) -> tuple[str, list[_Section]]:
    """The score's header, and all bars by the staff or voice they belong to."""
    score: list[str] = []
    sections = [_Section("", "")]
    starts = [bar.token.start for bar in bars] + [len(text)]
    duration = 4
    tuplet: Tuplet | None = None
    for bar, start, end in zip(bars, starts, starts[1:], strict=False):
        tags, own = _sort_tags(text, bar, end, score, sections)
        value = _value(duration, tuplet, bar)
        body_start = bar.beats[0].token.start if bar.beats else _metas_end(text, bar, start, end)
        sections[-1].bars.append(_Bar(tags, text[body_start:end], value, own))
        for beat in bar.beats:
            if beat.change is not None:
                duration, tuplet = beat.change, beat.change_tuplet
            duration = beat.duration if beat.duration is not None else duration
    return "".join(score), [section for section in sections if section.bars]


def _value(duration: int, tuplet: Tuplet | None, bar: Bar) -> str:
    """The note value in force, to be said where a chunk begins with a bar that does not say its own."""
    if not bar.beats or bar.beats[0].change is not None or bar.beats[0].duration is not None and not tuplet:
        return ""
    return f":{duration}" + (f"{{tu ({tuplet[0]} {tuplet[1]})}} " if tuplet else " ")


def _metas_end(text: str, bar: Bar, start: int, end: int) -> int:
    """Where the bar line of a bar without beats stands."""
    return max(text.rfind("|", start, end), bar.metas[-1].token.end if bar.metas else start)


def _sort_tags(
    text: str, bar: Bar, end: int, score: list[str], sections: list[_Section]
) -> tuple[str, dict[str, str]]:
    """Put a bar's tags where they belong; back come those that stay with the bar, and those that stand from it on."""
    tags, own = "", {}
    for meta, source in _sources(text, bar, end):
        if meta.name in SCORE_TAGS:
            score.append(source + "\n")
        elif meta.name in _OPENING and sections[-1].bars:
            alone = sections[-1].alone if meta.name == "voice" else source + "\n"
            sections.append(_Section(source + "\n", alone))
        elif meta.name in _SHARED or meta.name in _OF_STAFF:
            own[meta.name] = source
        elif meta.name in _OPENING or meta.name in STAFF_TAGS:
            sections[-1].joined += source + "\n"
            sections[-1].alone += source + "\n"
        elif meta.name != ".":
            tags += source + " "
    return tags, own


def _sources(text: str, bar: Bar, end: int) -> Iterator[tuple[Meta, str]]:
    ends = [meta.token.start for meta in bar.metas[1:]] + [bar.beats[0].token.start if bar.beats else end]
    for meta, until in zip(bar.metas, ends, strict=False):
        yield meta, text[meta.token.start : until].strip().removesuffix("|").strip()


def _timeline(sections: list[_Section]) -> list[dict[str, str]]:
    """Per bar number, the shared tags in force, from whichever track says them."""
    timeline: list[dict[str, str]] = []
    for section in sections:
        for position, bar in enumerate(section.bars):
            if position == len(timeline):
                timeline.append(dict(timeline[-1]) if timeline else {})
            for name in _SHARED:
                if name in bar.own:
                    for later in timeline[position:]:
                        later[name] = bar.own[name]
    return timeline


def _assemble(
    header: str, sections: list[_Section], shared: list[dict[str, str]], max_characters: int
) -> Iterator[str]:
    chunk, said = "", 0  # `said`: bars whose shared tags this chunk holds already
    for section in sections:
        whole = section.joined + "".join(_bars(section, shared, 0, len(section.bars), said))
        if said and len(chunk) + len(whole) <= max_characters:
            chunk, said = chunk + whole, max(said, len(section.bars))
            continue
        if said:
            yield chunk
        chunk = _opening(header, shared[0], section) + "".join(_bars(section, shared, 0, len(section.bars), 0))
        said = len(section.bars)
        if len(chunk) > max_characters:
            chunk, said = "", 0
            yield from _cut(header, section, shared, max_characters)
    if said:
        yield chunk


def _opening(header: str, shared: dict[str, str], section: _Section) -> str:
    """The header of a chunk; the tempo has its own line there, as people write it."""
    return header + (shared["tempo"] + "\n" if "tempo" in shared else "") + section.alone


def _cut(header: str, section: _Section, shared: list[dict[str, str]], max_characters: int) -> Iterator[str]:
    first = 0
    while first < len(section.bars):
        opening = _opening(header, shared[first], section)
        length, end = len(opening), first
        for bar in _bars(section, shared, first, len(section.bars), 0):
            if end > first and length + len(bar) > max_characters:
                break
            length, end = length + len(bar), end + 1
        yield opening + "".join(_bars(section, shared, first, end, 0))
        first = end


def _bars(section: _Section, shared: list[dict[str, str]], first: int, end: int, said: int) -> Iterator[str]:
    """The text of bars `first` to `end`; the first says all that is in force, the others what changes there."""
    staff: dict[str, str] = {}
    for bar in section.bars[: first + 1]:
        staff |= {name: bar.own[name] for name in _OF_STAFF if name in bar.own}
    for position in range(first, end):
        bar = section.bars[position]
        if position == first:
            changes = list(staff.values())
            value = bar.value
        else:
            changes = [bar.own[name] for name in _OF_STAFF if name in bar.own]
            value = ""
        if position >= said:
            before = shared[position - 1] if position > first else {"tempo": shared[position].get("tempo")}
            changes = [tag for name, tag in shared[position].items() if before.get(name) != tag] + changes
        said_here = " ".join(changes) + ("\n" if position == first else " ") if changes else ""
        yield said_here + bar.tags + value + bar.body
