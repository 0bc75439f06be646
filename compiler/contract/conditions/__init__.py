"""The language of guards: text in, a typed condition out, which is checked, printed and decided while a run goes on.

`parse` reads (`docs/guards.md` has the grammar), `str` of a condition prints its canonical text, `units.check` holds it
against the metrics that there are, and `online.Watch` decides it observation by observation in bounded memory.
"""

from __future__ import annotations

from .parse import parse
from .syntax import Condition, Event, NoImprovement, metrics_of, walk
from .values import ConditionError

__all__ = ["Condition", "ConditionError", "Event", "NoImprovement", "metrics_of", "parse", "walk"]
