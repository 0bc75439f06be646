"""A series: the runs that led from one to the next, what changed between them, and whose losses mean the same.

The last run's experiment holds it. Everything is worked out from the specs; what was measured is the report's business.
"""

from __future__ import annotations

from .promises import Text
from .record import dataclass


@dataclass(frozen=True)
class Step:
    """One setting that differs from the run before, in the spec's own terms; None: the run has no such setting."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Shared:
    """One setting that all runs have alike, in the spec's own terms."""

    key: str
    value: str


@dataclass(frozen=True)
class Member:
    """One run. `values` follow the series' keys; `changes` are against the run before; `why` is the author's reason.

    Runs with the same `losses` count the same labels of the same held-out data: their losses may be compared.
    """

    run: str
    experiment: str
    title: Text
    why: Text
    launcher: str
    steps: int
    training_sha256: str
    values: tuple[str | None, ...]
    changes: tuple[Step, ...]
    losses: int


@dataclass(frozen=True)
class Series:
    """Runs in order, the one that holds it last. `keys` are the settings in which any two of them differ, `shared` all
    others; `meaning` are those of the keys that decide what a loss means."""

    name: str
    title: Text
    keys: tuple[str, ...]
    shared: tuple[Shared, ...]
    meaning: tuple[str, ...]
    members: tuple[Member, ...]
