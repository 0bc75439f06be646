"""Strings of a spec into shell scripts: the two forms they may take there, and the environment that allows no other.

`shell` makes one literal word, `template` one with placeholders, `comment` the rest of a comment line. Whatever a template
prints has to be `Quoted`; a value that skipped all filters raises `Unquoted` while the template is rendered.
"""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..contract import markdown, rendering
from ..contract.command_line import PLACEHOLDER

if TYPE_CHECKING:
    import jinja2

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Unquoted(TypeError):
    """A launcher template printed a value that went through neither filter: a mistake in the template."""


class Quoted(str):
    """Text that is safe at the place its filter is meant for."""


def shell(value: str | int) -> Quoted:
    """One word of bash that stands for exactly `value` and is never expanded; ASCII escapes for what does not print.

    Raises ValueError for what no argument can hold: NUL, and surrogates without a partner.
    """
    text = str(value)
    if "\0" in text:
        raise ValueError(f"{text!r} holds a NUL character, which no argument of a command can")
    text.encode()
    if text.isprintable():
        return Quoted(shlex.quote(text))
    return Quoted("$'" + "".join(_escaped(character) for character in text) + "'")


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def template(value: str) -> Quoted:
    """One word of bash in which the placeholders of a foreign command line, and nothing else, are variables of their name."""
    pieces, end = [], 0
    for found in PLACEHOLDER.finditer(value):
        pieces += [shell(value[end : found.start()]) if found.start() > end else "", f'"${found[1]}"']
        end = found.end()
    rest = value[end:]
    return Quoted("".join([*pieces, shell(rest) if rest or not pieces else ""]))


def comment(value: str | int) -> Quoted:
    """`value` on one line, with what does not print made visible, so that it cannot leave its comment."""
    return Quoted(markdown.visible(" ".join(str(value).split())))


def _only_quoted(value: Any) -> str:
    if not isinstance(value, Quoted):
        raise Unquoted(f"{value!r} is printed without `shell` or `comment`")
    return value


@functools.cache
def _environment() -> jinja2.Environment:
    result = rendering.environment().overlay(finalize=_only_quoted)
    result.filters = {**result.filters, "shell": shell, "comment": comment, "template": template}
    return result


def render(template: str, context: Mapping[str, Any]) -> str:
    """Text of a launcher template; the context's values are plain, the template quotes them."""
    return _environment().get_template(template).render(context)
