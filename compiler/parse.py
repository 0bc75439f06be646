"""YAML text into a located tree. In: a `SourceFile`. Out: the root `Node` (None if nothing could be read) and
every diagnostic of its syntax and form. After a syntax error the section around it is set aside and reading
goes on, so that one run shows all mistakes of a file."""

from __future__ import annotations

import re
from dataclasses import replace

import yaml

from .compose import Composer, Stop
from .diagnostics import Diagnostic
from .source import Node, SourceFile
from .syntax import blank_section, explain

MAX_SYNTAX_ERRORS = 20
# YAML's printable characters, less those that YAML 1.1 takes for line breaks and editors do not
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(file: SourceFile, text: str | None = None) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a file. `text`, of the same length, is read in place of the file's own (its parts blanked
    out).

    After a syntax error the section around it is set aside, as a key with a `broken` value, and reading goes
    on.
    """
    text = file.text if text is None else text
    found = [_unprintable(file, match) for match in list(UNPRINTABLE.finditer(text))[:MAX_SYNTAX_ERRORS]]
    text = UNPRINTABLE.sub("\ufffd", text)
    lost: set[str | None] = set()
    for _ in range(MAX_SYNTAX_ERRORS):
        composer = Composer(file, text)
        try:
            root = composer.document()
        except yaml.YAMLError as error:
            found += [*composer.found, explain(error, file, text, composer.quoted)]
            assert (place := found[-1].span) is not None
            blanked = blank_section(text, place.line)
            if blanked is None:
                return None, found
            text, key = blanked
            lost.add(key)
            continue
        except Stop:
            return None, found + composer.found
        known = (
            composer.found
            if not lost
            else [one for one in composer.found if one.code not in ("E005", "E023")]
        )
        return _with_lost(root, lost), found + known
    return None, found


def _unprintable(file: SourceFile, match: re.Match[str]) -> Diagnostic:
    message = f"the invisible character U+{ord(match[0]):04X} cannot stand in a spec"
    return Diagnostic(
        "E004", message, file.span(match.start(), match.end()), "delete it; it often comes from copying"
    )


def _with_lost(root: Node | None, lost: set[str | None]) -> Node | None:
    if root is None or not isinstance(root.value, dict):
        return replace(root, broken=True) if root and lost else root
    kept = {key: replace(node, broken=True) if key in lost else node for key, node in root.value.items()}
    return replace(root, value=kept, broken=None in lost)
