"""What is seen of a running program: its output to terminal and log, its figures to the journal, its checkpoints noted.

`tick` is called several times a second; nothing in here waits.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Set
from pathlib import Path

from expc.compiler.contract.command_line import filled
from expc.compiler.contract.quantities import duration
from expc.compiler.contract.watching import Watching

from ..journal import Metrics, event, now
from ..progress import say
from .figures import Figures
from .lines import Lines
from .program import Program
from .saved import Checkpoints
from .secrets import without_secrets

LOOK_SECONDS = 1.0
"""Between two looks at checkpoints."""
NOTE_SECONDS = 10.0
"""Between two notes of the pace in the journal and of the step in the record."""
QUOTED_LINES = 8
Observe = Callable[[int, float, str, dict[str, float]], None]
"""Gets every figure: the step, the seconds that the program has run, the kind, and the values; without values also that a
validation was reported anew (`valid`) or a checkpoint was found (`checkpoint`)."""


class Watch:
    """One attempt as it goes. `step` is the last one that was read, `seconds` the wall clock of all attempts that count."""

    def __init__(self, watching: Watching, program: Program, values: Mapping[str, str], folder: Path, metrics: Metrics,
                 checkpoints: Checkpoints | None, step: int, seconds: float, observe: Observe,
                 known: Set[tuple[str, ...]] = frozenset()) -> None:
        """`known`: kind and names of the figures that the journal holds already of the step that is gone on from."""
        self.watching, self.program, self.folder, self.observe = watching, program, folder, observe
        self.metrics, self.checkpoints = metrics, checkpoints
        self.known, self.first = known, step
        self.step, self.saved = step, step if checkpoints else 0
        self.peak_memory: float | None = None
        self.finished = False
        self._lines, self._log = Lines(), (folder / "output.log").open("ab", buffering=0)
        self._figures = Figures(watching.readers, lambda name: program.directory / filled(name, values), self.take, step,
                                self._again)
        self._finished = re.compile(watching.finished) if watching.finished else None
        self._every = 1
        self._begun, self._before = time.monotonic(), seconds
        self._looked = self._noted = self._begun
        self._warned = self._open = False
        self._log.write(f"--- expc: attempt of {now()}, from step {step:,}\n".encode())

    @property
    def seconds(self) -> float:
        """Seconds that the program has run, those before the checkpoint that it went on from included."""
        return self._before + time.monotonic() - self._begun

    def output(self, data: bytes) -> None:
        """A piece of output: terminal and log first, as it is, then whatever lines it completes."""
        self._log.write(data)
        _to_terminal(data)
        self._open = not data.endswith(b"\n")
        for line in self._lines.feed(data):
            self._line(line)

    def _line(self, line: str) -> None:
        self._figures.line(line)
        self.finished = self.finished or bool(self._finished and self._finished.search(line))

    def take(self, step: int, kind: str, values: dict[str, float]) -> None:
        """One new figure, into the journal, unless a program that goes on says again what it said of its checkpoint's step."""
        if step == self.first and (kind, *sorted({"step", "kind", *values})) in self.known:
            self._again(kind)
            return
        if kind == "train" and step > self.step:
            self._every, self.step = step - self.step, step
        if "peak_memory" in values:
            self.peak_memory = values["peak_memory"]
        self.metrics.write(step, kind, values)
        self.observe(step, self.seconds, kind, values)

    def _again(self, kind: str) -> None:
        """A line of an update that is drawn again says nothing; one of a validation says that it goes on."""
        if kind == "valid":
            self.observe(self.step, self.seconds, kind, {})

    def tick(self) -> bool:
        """Looks at files and checkpoints where it is time to; whether the record should be brought up to date."""
        self._figures.files()
        moment = time.monotonic()
        noted = self._look() if moment - self._looked > LOOK_SECONDS else False
        if not self._warned and not self._figures.count and moment - self._begun > self.watching.silence:
            self._warned = True
            event(self.folder, "no_figures", seconds=round(self.watching.silence))
            say(f"no figure has been read in {duration(self.watching.silence)}: do the patterns of watch.metrics fit what the "
                f"program writes?{self.tail()}")
        if moment - self._noted > NOTE_SECONDS:
            self._note_pace()
            noted = True
        return noted

    def _look(self, settled: bool = False) -> bool:
        self._looked = time.monotonic()
        steps = self.checkpoints.note(self.seconds, settled) if self.checkpoints else []
        for step in steps:
            self.metrics.sync()
            event(self.folder, "checkpoint", step=step, folder=f"step_{step:06d}")
            self.observe(self.step, self.seconds, "checkpoint", {})
        self.saved = max([self.saved, *steps])
        return bool(steps)

    def _note_pace(self) -> None:
        self._noted = time.monotonic()
        self.metrics.write(self.step, "pace", {"seconds": round(self.seconds, 3)})
        self.metrics.flush()

    @property
    def silent(self) -> bool:
        """Whether the program has not given a single figure."""
        return self._figures.count == 0

    def end(self) -> None:
        """Takes in what came last, now that the program has ended: what it has saved is what the next start finds."""
        self._close_line()
        for line in self._lines.end():
            self._line(line)
        self._figures.files()
        self._look(settled=True)

    def reached(self, steps: int) -> bool:
        """Whether the program came to its last step.

        A program that reports every few steps may end without a report of the last one: then the next report would have
        come after the end.
        """
        told = self._finished is None or self.finished
        return told and (self.saved >= steps or steps - self.step < self._every)

    def tail(self) -> str:
        """The program's last lines for a message, without secrets."""
        lines = [without_secrets(line, self.program.environment) for line in list(self._lines.last)[-QUOTED_LINES:]]
        if not lines:
            return "; it has printed nothing"
        return "; its last lines:\n" + "\n".join(f"    {line}" for line in lines)

    def _close_line(self) -> None:
        """What is said from here on begins a line, wherever the program has stopped."""
        if self._open:
            _to_terminal(b"\n")
        self._open = False

    def close(self) -> None:
        """Notes the pace, closes the files."""
        self._close_line()
        self._note_pace()
        self.metrics.close()
        self._log.close()


def _to_terminal(data: bytes) -> None:
    """To standard output, unless nobody reads it any more."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        pass
