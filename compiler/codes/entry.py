"""One diagnostic's entry in the handbook. In: nothing. Out: `Code` and `Example`, as `expc explain E102`
prints them; tests run the examples, so that the wrong one gives the code and the right one does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from textwrap import dedent, indent

from ..contract.record import dataclass

SPEC = "spec.yaml"


@dataclass(frozen=True)
class Example:
    """A spec (a part of one is enough), files beside it by name, and what is said on the command line."""

    spec: str
    files: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    overrides: tuple[str, ...] = ()
    asked: str = SPEC  # the name of the file that is checked

    @property
    def text(self) -> str:
        return dedent(self.spec).strip("\n") + "\n"

    def shown(self) -> str:
        """The example to be read; characters that nobody would see, by their names."""
        options = [
            *([self.asked] if self.asked != SPEC else []),
            *(["--profile " + self.profile] if self.profile else []),
            *("--set " + one for one in self.overrides),
        ]
        command = " ".join(["$ expc check", *([] if self.asked != SPEC else ["SPEC"]), *options])
        blocks = [f"{command}\n"] if options else []
        blocks += [self.text, *(f"# {name}\n{dedent(text).strip()}\n" for name, text in self.files.items())]
        return "".join(char if char.isprintable() or char == "\n" else _named(char) for char in "".join(blocks))


def _named(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is not UTF-8
        return f"<byte 0x{ord(char) - 0xDC00:02x}>"
    return "<tab>" if char == "\t" else f"<U+{ord(char):04X}>"


@dataclass(frozen=True)
class Code:
    """A stable code, what it is called, why it is a mistake and what to do, and a spec that has it and one
    that has not."""

    code: str
    title: str
    text: str
    wrong: Example | None = None
    right: Example | None = None

    def shown(self) -> str:
        parts = [f"{self.code}: {self.title}\n", " ".join(self.text.split()) + "\n"]
        for word, example in (("wrong", self.wrong), ("right", self.right)):
            if example is not None:
                parts.append(f"{word}:\n{indent(example.shown(), '    ')}")
        return "\n".join(parts)


def entry(
    code: str, title: str, text: str, wrong: str | Example | None = None, right: str | Example | None = None
) -> Code:
    """A `Code` whose examples may be given as the text of a spec."""
    return Code(code, title, text, _example(wrong), _example(right))


def _example(given: str | Example | None) -> Example | None:
    return Example(given) if isinstance(given, str) else given
