"""What `expc watch` knows of a run: its facts, and what its journal and its events have said so far.

`refresh` reads only what has come since. Where the journal was cut back, because the run went back to a checkpoint, what
was read of it is forgotten and read again.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from expc.compiler.contract.experiment import Experiment

from ..errors import DONE, FAILED
from ..record import OUTCOMES
from .facts import Facts, count, figures, look, number
from .series import Series
from .tail import Tail

LATEST = 200
"""Steps that the second curve of the loss shows."""
CODES = {"done": DONE, "killed": FAILED} | {outcome: code for code, outcome in OUTCOMES.items()}


class View:
    """One run, as it was at the last `refresh`."""

    facts: Facts

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._metrics = Tail(folder / "metrics.jsonl", b'"valid"')
        self._events = Tail(folder / "events.jsonl", b'"guard"')
        self._forget()
        self._plan: tuple[object, Experiment | None] = None, None
        self.events: deque[dict[str, Any]] = deque(maxlen=100)
        self.refresh()

    def _forget(self) -> None:
        self.loss, self.rate = Series(), Series()
        self.latest: deque[tuple[int, float]] = deque(maxlen=LATEST)
        self.validations: deque[tuple[int, dict[str, float]]] = deque(maxlen=1000)
        self.journalled: int | None = None
        self.pace: float | None = None
        self.memory: float | None = None

    def refresh(self) -> None:
        """Reads what is new."""
        lines = self._metrics.read()
        if self._metrics.restarted:
            self._forget()
        for line in lines:
            self._take(line)
        self.events.extend(self._events.read())
        self.facts = look(self.folder, self._planned())
        self._plan = self._plan[0], self.facts.experiment

    def _planned(self) -> Experiment | None:
        """The plan as it was read before, as long as no later attempt has brought another one."""
        stamp = _written(self.folder / "snapshot.json")
        if stamp != self._plan[0]:
            self._plan = stamp, None
        return self._plan[1]

    def _take(self, line: dict[str, Any]) -> None:
        """One line of the journal. Its steps never go back, unless the file is another one."""
        step, kind = count(line.get("step")), line.get("kind")
        self.journalled = step if "step" in line else self.journalled
        if kind == "valid":
            self.validations.append((step, figures({**line, "kind": None})))
        elif kind == "pace":
            self.pace, self.memory = number(line.get("tokens_per_second")), number(line.get("peak_memory"))
        elif kind == "train":
            if (loss := number(line.get("loss"))) is not None:
                self.loss.add(step, loss)
                self.latest.append((step, loss))
            if (rate := number(line.get("rate"))) is not None:
                self.rate.add(step, rate)

    @property
    def step(self) -> int:
        """How far the run has come, as the journal and the record know it."""
        return self.facts.reached(self.journalled)

    @property
    def ended(self) -> bool:
        """Whether nobody trains this run any more."""
        return self.facts.outcome not in ("running", "new")

    @property
    def code(self) -> int:
        """The exit code that the run itself has ended with; of one that was killed, a failure's."""
        return CODES.get(self.facts.outcome, FAILED) if self.ended else DONE

    def close(self) -> None:
        """Lets go of the files."""
        self._metrics.close()
        self._events.close()


def _written(path: Path) -> tuple[int, int, int] | None:
    """What tells one writing of a file from the next."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns, about.st_size
