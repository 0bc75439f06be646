"""The handbook as one Markdown page. In: its entries. Out: the text of `docs/diagnostics.md`, which `expc explain --all`
prints: a table of all codes, then each with its examples."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

from .entry import Code, Example

WIDTH = 120
HEAD = """# Diagnostics

Every finding of `expc` has a code that stays the same: E is an error, W a warning, which stops nothing. E0 is about reading a
file, E1 about keys, types and values, E2 about references between files and values, and from E3 on about what a spec means.
`expc explain CODE` prints one of these entries, `expc explain --all` this page.

    specs/d8_v2.yaml:16:3: error E102: unknown key "matrx_lr" in optimizer
       16 |   matrx_lr: 0.016
          |   ^^^^^^^^
      help: did you mean "matrix_lr"?

A place is `file:line:column`, both from 1, columns in characters. After it come what the value was probably meant to be and,
where it was written in another file or profile, the way by which it came into this spec. `expc check --format json`,
`--format sarif` (code hosts) and `--format github` (annotations of a workflow) say the same to machines.

The examples show only what matters: a line or two of a spec, the rest of which would be inherited with `extends`.
"""


def page(handbook: Mapping[str, Code]) -> str:
    """The whole page, codes in order: those of one number stand together, errors before warnings."""
    entries = [handbook[code] for code in sorted(handbook, key=lambda code: (code[1:], code))]
    rows = (f"| [{one.code}](#{one.code.lower()}) | {_title(one)} |" for one in entries)
    return "\n".join([HEAD, "| code | what it is |", "|---|---|", *rows, "", *map(_entry, entries)])


def _title(one: Code) -> str:
    return one.title[0].upper() + one.title[1:]


def _entry(one: Code) -> str:
    parts = [f"## {one.code}", f"**{_title(one)}.** " + " ".join(one.text.split())]
    shown = [fill(parts[1], WIDTH, break_long_words=False, break_on_hyphens=False)]
    for word, example in (("Wrong", one.wrong), ("Right", one.right)):
        if example is not None:
            shown.append(f"{word}:\n\n{_block(example)}")
    return "\n\n".join([parts[0], *shown]) + "\n"


def _block(example: Example) -> str:
    return f"```yaml\n{example.shown()}```"
