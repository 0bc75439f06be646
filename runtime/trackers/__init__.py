"""Trackers: programs of others that show a run's figures while it trains, each fed by a process of its own.

Such a process reads the journal as it grows, as `expc watch` does. The training hands it nothing and waits for nothing, so
that a tracker which is slow, hangs or crashes costs a tracker. What is in `runs/<run>/metrics.jsonl` is what a tracker is
told, from the first line on: what a resumption or a roll-back takes out of the journal is taken out of the tracker.
"""

from __future__ import annotations

from typing import Any, Protocol

Line = dict[str, Any]


class Tracker(Protocol):
    """A tracker that has been opened for a run and is told its journal from the first line on."""

    def take(self, line: Line) -> None:
        """Takes a line of the journal."""

    def flush(self) -> None:
        """Writes what it has taken, so that people can see it."""

    def close(self) -> None:
        """Writes and lets go: the journal has ended, or begins anew."""


def figures(line: Line) -> dict[str, float]:
    """The numbers of a line as `<kind>/<name>`, without its step."""
    return {f"{line['kind']}/{name}": float(value) for name, value in line.items()
            if name != "step" and isinstance(value, (int, float))}
