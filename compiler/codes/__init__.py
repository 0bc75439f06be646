"""The handbook of diagnostics. In: a code. Out: its entry. E0xx is reading and syntax, E1xx keys, types and
values, E2xx references between files, profiles, overrides and values; the checks of meaning bring their own
entries (E3xx, W3xx)."""

from __future__ import annotations

from .entry import Code, Example, entry
from .page import page
from .reading import READING
from .references import REFERENCES
from .shape import SHAPE

CODES: dict[str, Code] = {one.code: one for one in (*READING, *SHAPE, *REFERENCES)}

__all__ = ["CODES", "Code", "Example", "entry", "page"]
