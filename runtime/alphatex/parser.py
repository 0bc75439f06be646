"""Tokens in; bars of beats and notes out, with the problems of the grammar.

A recursive descent over the tokens. A beat or tag that cannot be read is reported once; reading goes on at the next bar
line or tag and the bar counts as broken. What the numbers mean (frets, strings, how full a bar is) is not judged here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import grammar
from .arguments import Argument, Misfit, as_integer, match_bare, match_enclosed
from .grammar import Signature
from .lexer import (
    CLOSE,
    CLOSE_BRACE,
    COLON,
    DOT,
    NUMBER,
    OPEN,
    OPEN_BRACE,
    PIPE,
    STAR,
    STRING,
    TAG,
    WORD,
    Problem,
    Token,
)

Tuplet = tuple[int, int]


@dataclass(frozen=True)
class Effect:
    name: str
    arguments: tuple[Argument, ...]
    token: Token


@dataclass(frozen=True)
class Note:
    """`value` is a fret number, `x`, `-` or a name (pitch, drum); `string` counts from 1, the highest."""

    value: Token
    string: int | None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Beat:
    """A beat with what it says itself: sticky durations are None where the beat leaves them as they were.

    `change` and `change_tuplet` come from a `:8{tu 3}` before it; `duration` is the `.8` behind it.
    """

    token: Token
    change: int | None
    change_tuplet: Tuplet | None
    notes: tuple[Note, ...]
    rest: bool
    duration: int | None
    effects: tuple[Effect, ...]
    count: int


@dataclass(frozen=True)
class Meta:
    name: str
    arguments: tuple[Argument, ...]
    token: Token
    properties: tuple[Effect, ...] = ()


@dataclass
class Bar:
    """One bar as read: `closed` by a bar line; `broken` when part of it could not be read."""

    token: Token
    metas: list[Meta] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)
    closed: bool = False
    broken: bool = False


class _Unreadable(Exception):
    def __init__(self, problem: Problem):
        super().__init__(problem.message)
        self.problem = problem


def parse(tokens: list[Token]) -> tuple[list[Bar], list[Problem]]:
    """The bars of a piece in the order written, all tracks one after another, and the problems found."""
    return _Parser(tokens).bars()


class _Parser:
    def __init__(self, tokens: list[Token]):
        self.tokens = tokens
        self.index = 0
        self.problems: list[Problem] = []

    # -- tokens

    def peek(self, kind: str) -> Token | None:
        if self.index < len(self.tokens) and self.tokens[self.index].kind == kind:
            return self.tokens[self.index]
        return None

    def accept(self, kind: str) -> Token | None:
        token = self.peek(kind)
        if token is not None:
            self.index += 1
        return token

    def expect_number(self, after: str, code: str) -> int:
        token = self.accept(NUMBER)
        if token is None:
            raise self.unreadable(code, f"a number must follow {after}")
        return as_integer(token)

    def unreadable(self, code: str, message: str, token: Token | None = None) -> _Unreadable:
        at = token or self.tokens[min(self.index, len(self.tokens) - 1)]
        return _Unreadable(Problem(code, message, at.line, at.column))

    # -- bars

    def bars(self) -> tuple[list[Bar], list[Problem]]:
        bars: list[Bar] = []
        while self.index < len(self.tokens):
            bars.append(self.bar())
        return bars, self.problems

    def bar(self) -> Bar:
        bar = Bar(self.tokens[self.index])
        in_beats = False
        while self.index < len(self.tokens):
            if self.accept(PIPE):
                bar.closed = True
                break
            if self.peek(TAG) and in_beats:
                break
            in_beats = not (self.peek(TAG) or self.peek(DOT))
            try:
                self.bar_item(bar)
            except _Unreadable as failure:
                self.problems.append(failure.problem)
                bar.broken = True
                self.skip_to_bar_line()
        return bar

    def bar_item(self, bar: Bar) -> None:
        if self.peek(TAG):
            bar.metas.append(self.meta())
        elif self.peek(DOT) and bar.metas and not bar.beats:
            self.header_dot(bar)
        elif dot := self.peek(DOT):
            raise self.unreadable("stray-dot", "a dot here belongs to no note and no duration", dot)
        else:
            bar.beats.append(self.beat())

    def header_dot(self, bar: Bar) -> None:
        """The lone dot that may stand between the metadata and the first bar."""
        dot = self.accept(DOT)
        if bar.metas[-1].name == ".":
            raise self.unreadable("stray-dot", "one dot is enough after the metadata", dot)
        if dot is not None:
            bar.metas.append(Meta(".", (), dot))

    def skip_to_bar_line(self) -> None:
        while self.index < len(self.tokens) and self.tokens[self.index].kind not in (PIPE, TAG):
            self.index += 1

    def meta(self) -> Meta:
        tag = self.tokens[self.index]
        self.index += 1
        if tag.text not in grammar.TAGS:
            raise self.unreadable("unknown-tag", f"there is no metadata \\{tag.text}", tag)
        signature = grammar.TAGS[tag.text]
        arguments = self.arguments(tag, signature, enclosed=bool(signature))
        properties: tuple[Effect, ...] = ()
        if self.peek(OPEN_BRACE):
            properties = self.effects(grammar.TAG_PROPERTIES.get(tag.text, {}), f"\\{tag.text}")
        return Meta(tag.text, arguments, tag, properties)

    # -- beats

    def beat(self) -> Beat:
        first = self.tokens[self.index]
        change, change_tuplet = self.duration_change()
        notes, rest = self.content()
        duration = self.dotted_duration()
        count = self.multiplier(1)
        effects = self.effects(grammar.BEAT_EFFECTS, "a beat, after its duration") if self.peek(OPEN_BRACE) else ()
        count = self.multiplier(count)  # either place is allowed; alphaTab goes by the last
        for value in (change, duration):
            if value is not None and value not in grammar.DURATIONS:
                listed = ", ".join(str(known) for known in sorted(grammar.DURATIONS))
                raise self.unreadable("bad-duration", f"{value} is no duration; they are {listed}", first)
        return Beat(first, change, change_tuplet, notes, rest, duration, effects, count)

    def dotted_duration(self) -> int | None:
        if not self.accept(DOT):
            return None
        if self.index == len(self.tokens):
            raise self.unreadable("dangling-duration", "a dot ends the text; a duration should follow")
        return self.expect_number("the dot of a duration", "bad-duration")

    def duration_change(self) -> tuple[int | None, Tuplet | None]:
        if not self.accept(COLON):
            return None, None
        value = self.expect_number("the colon of a duration", "bad-duration")
        effects = self.effects(grammar.DURATION_EFFECTS, "a duration") if self.peek(OPEN_BRACE) else ()
        if self.index == len(self.tokens):
            raise self.unreadable("dangling-duration", "this duration has no note after it")
        return value, tuplet_of(effects)

    def content(self) -> tuple[tuple[Note, ...], bool]:
        word = self.peek(WORD)
        if word is not None and word.text == "r":
            self.index += 1
            return (), True
        opening = self.accept(OPEN)
        if opening is None:
            return (self.note(),), False
        notes: list[Note] = []
        while not self.accept(CLOSE):
            if self.index == len(self.tokens):
                raise self.unreadable("unclosed-chord", "this chord is never closed with )", opening)
            notes.append(self.note())
        if not notes:
            raise self.unreadable("empty-chord", "this chord holds no note", opening)
        return tuple(notes), False

    def note(self) -> Note:
        value = self.accept(NUMBER) or self.accept(WORD) or self.accept(STRING)
        if value is None:
            raise self.unreadable("not-a-note", "expected a note such as 3.2, a chord, a rest r or a bar line |")
        string = None
        if (value.kind == NUMBER or value.text in ("x", "-")) and self.accept(DOT):
            string = self.expect_number("the dot of a note: fret.string", "bad-string-number")
        allowed = grammar.BEAT_EFFECTS | grammar.NOTE_EFFECTS
        effects = self.effects(allowed, "a note") if self.peek(OPEN_BRACE) else ()
        return Note(value, string, effects)

    def multiplier(self, default: int) -> int:
        if not self.accept(STAR):
            return default
        return max(1, self.expect_number("the star of a repeated beat", "bad-multiplier"))

    # -- effects and arguments

    def effects(self, allowed: dict[str, Signature], where: str) -> tuple[Effect, ...]:
        opening = self.accept(OPEN_BRACE)
        effects: list[Effect] = []
        while not self.accept(CLOSE_BRACE):
            name = self.accept(WORD)
            if name is None:
                raise self.unreadable("bad-effect", "expected an effect's name or }", opening)
            signature = allowed.get(name.text.lower())
            if signature is None:
                raise self.unreadable("unknown-effect", f"{name.text!r} is no effect of {where}", name)
            effect = Effect(name.text.lower(), self.arguments(name, signature, enclosed=True), name)
            if effect.name in ("be", "tbe") and sum(one.number is not None for one in effect.arguments) % 2:
                raise self.unreadable("bad-argument", f"{name.text} takes pairs of position and value", name)
            effects.append(effect)
        return tuple(effects)

    def arguments(self, owner: Token, signature: Signature, enclosed: bool) -> tuple[Argument, ...]:
        """What stands behind a tag or effect, with or without parentheses around it."""
        try:
            if enclosed and self.peek(OPEN):
                found, self.index = match_enclosed(signature, self.tokens, self.index + 1)
            else:
                found, self.index = match_bare(signature, self.tokens, self.index)
        except Misfit as misfit:
            raise self.unreadable(misfit.code(owner.text), f"{owner.text}: {misfit}", owner) from None
        return found


def tuplet_of(effects: tuple[Effect, ...]) -> Tuplet | None:
    """The tuplet that a list of effects sets, as (played, in the time of)."""
    for effect in reversed(effects):
        if effect.name == "tu":
            numbers = [int(argument.number or 0) for argument in effect.arguments]
            return (numbers[0], numbers[1] if len(numbers) > 1 else grammar.TUPLET_DENOMINATORS[numbers[0]])
    return None
