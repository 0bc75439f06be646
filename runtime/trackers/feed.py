"""Feeds one tracker from one run's journal, in a process of its own: a run's folder in, whatever the tracker makes of it out.

It ends when the training has ended (its standard input is closed, or the process that started it is gone) and all lines are
handed over. A tracker that is missing or fails is named in a warning and in `events.jsonl`, and left alone.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from pathlib import Path

from ..journal import event
from ..live.tail import Tail
from ..lock import exclusive
from ..progress import say
from . import Tracker
from .event_files import EventFiles
from .weights_and_biases import WeightsAndBiases

TRACKERS: dict[str, Callable[[Path, bool], Tracker]] = {"tensorboard": EventFiles, "wandb": WeightsAndBiases}
POLL_SECONDS = 1.0


def feed(name: str, folder: Path, ended: Callable[[], bool]) -> None:
    """Hands over what is in the journal and what comes to it, until `ended` says that nothing more will."""
    journal = Tail(folder / "metrics.jsonl", b"", samples=False)
    tracker: Tracker | None = None
    last = False
    while not last:
        last = ended()
        lines = journal.read()
        if journal.restarted:
            if tracker:
                tracker.close()
            tracker = TRACKERS[name](folder, tracker is not None)
        if tracker:
            for line in lines:
                tracker.take(line)
            tracker.flush()
    if tracker:
        tracker.close()


def failed(name: str, folder: Path, why: str) -> None:
    """Says once that a tracker is left alone from here on, and notes it in the run's events."""
    say(f"warning: the tracker {name} is left alone from here on ({why}); the training does not need it",
        clear=sys.stderr.isatty())
    event(folder, "tracker_failed", tracker=name, why=why)


def main() -> None:
    """`python -m expc.runtime.trackers NAME FOLDER PID`: PID is the process that trains."""
    name, folder, parent = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])

    def ended() -> bool:
        return bool(select.select([sys.stdin], [], [], POLL_SECONDS)[0]) or os.getppid() != parent

    try:
        with exclusive(folder / f"{name}.lock", f"the tracker {name}", wait=True):  # one of a killed attempt may be ending
            feed(name, folder, ended)
    except Exception as error:  # whatever a program of others raises
        missing = f"; install it with: pip install 'expc[{name}]'" if isinstance(error, ModuleNotFoundError) else ""
        failed(name, folder, f"{type(error).__name__}: {error}{missing}")
