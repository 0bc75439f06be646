"""The command line of a foreign program: flags and the style that the program reads them in, out come words.

A word may hold placeholders such as `{run_folder}`, which are filled in where the program is started; any other braces are
left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from .record import dataclass

Scalar = bool | int | float | str
Flag = bool | int | float | str | tuple[Scalar, ...]

PLACEHOLDERS = ("python", "workspace", "run_folder", "checkpoint", "step")
"""The Python that runs expc, the workspace, the run's folder, the checkpoint that is gone on from (or judged), its step."""
PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


@dataclass(frozen=True)
class Style:
    """How a program reads its flags: name and value, booleans, lists, and how nested or composite names are spelled."""

    form: Literal["--k=v", "--k v", "-k v", "k=v"]
    booleans: Literal["flag", "no_flag", "value"]
    lists: Literal["words", "repeat", "commas", "brackets"]
    nested: Literal[".", "_", "-"]
    words: Literal["as_written", "dashes", "underscores"]

    @property
    def lead(self) -> str:
        """What stands before a name: `--`, `-` or nothing."""
        return self.form.partition("k")[0]

    def spelled(self, name: str) -> str:
        """The name of a flag as the program knows it."""
        joined = name.replace(".", self.nested)
        replaced = {"as_written": "", "dashes": "_", "underscores": "-"}[self.words]
        return joined.replace(replaced, "-" if replaced == "_" else "_") if replaced else joined

    def pair(self, name: str, value: str) -> list[str]:
        """The words that give one spelled name one value."""
        return [self.lead + name, value] if self.form.endswith(" v") else [f"{self.lead}{name}={value}"]


def flag_words(style: Style, flags: Mapping[str, Flag]) -> list[str]:
    """The flags as words, sorted by name; a name of `flags` joins nested names by dots."""
    return [word for name, value in sorted(flags.items()) for word in _words(style, style.spelled(name), value)]


def _words(style: Style, name: str, value: Flag) -> list[str]:
    if isinstance(value, bool) and style.booleans != "value":
        return [style.lead + name] if value else [f"{style.lead}no-{name}"] if style.booleans == "no_flag" else []
    if not isinstance(value, tuple):
        return style.pair(name, text(value))
    items = [text(one) for one in value]
    if style.lists == "repeat":
        return [word for one in items for word in style.pair(name, one)]
    if style.lists == "words":
        return [style.lead + name, *items]
    joined = ",".join(items)
    return style.pair(name, joined if style.lists == "commas" else f"[{joined}]")


def text(value: Scalar) -> str:
    """A value as programs read it: `true`, `0.0003`, `12`, or the text itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def placeholders(words: tuple[str, ...] | list[str]) -> Iterator[str]:
    """The names of the placeholders in the words."""
    for word in words:
        yield from PLACEHOLDER.findall(word)


def filled(word: str, values: Mapping[str, str]) -> str:
    """The word with its placeholders filled in. Raises KeyError for one without a value."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], word)
