"""What a run's folder says of the run, read while another process may be writing it: nothing in there is trusted.

A folder goes in; out comes what its record, its copy of the snapshot, its lock and the end of its journal say. Whatever
is half written, foreign or missing is left out, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expc.compiler.contract import snapshot
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import LARGEST_COUNT

from ..files import read_json
from ..lock import is_held
from ..record import FORMAT
from .tail import last_lines

LARGEST = 1e300
ENDINGS = ("stopped", "saved", "exhausted", "nowhere")
"""What is done about a guard's firing that ends a run of our own: nothing but its record is left to be written."""
SETTLED_SECONDS = 3.0
"""An attempt younger than this has no pace yet: times of day are kept to the second."""


def number(value: Any) -> float | None:
    """A number of reasonable size, or None for anything else."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and abs(value) < LARGEST else None


def count(value: Any) -> int:
    """A whole number that is not negative; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT else 0


def figures(line: Any) -> dict[str, float]:
    """The metrics of a validation: its numbers, without the step."""
    if not isinstance(line, dict):
        return {}
    return {name: value for name, item in line.items() if name != "step" and (value := number(item)) is not None}


def moment(value: Any) -> datetime | None:
    """A time of day as the record states it."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if not 1970 < time.year < 9000:  # beyond that there are no local times
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    """The record's content, what really goes on, and the plan (None where there is no snapshot that can be read)."""

    folder: Path
    record: dict[str, Any]
    outcome: str
    experiment: Experiment | None

    @property
    def alive(self) -> bool:
        """Whether it trains now."""
        return self.outcome == "running"

    @property
    def steps(self) -> int | None:
        """The planned last step."""
        return self.experiment.training.steps if self.experiment else None

    @property
    def counted(self) -> str:
        """The word for what the data is counted in."""
        return self.experiment.counted if self.experiment else "tokens"

    @property
    def attempt(self) -> dict[str, Any]:
        """The last attempt; empty where there is none yet."""
        attempts = self.record.get("attempts")
        last = attempts[-1] if isinstance(attempts, list) and attempts else {}
        return last if isinstance(last, dict) else {}

    @property
    def since(self) -> datetime | None:
        """When the last attempt began."""
        return moment(self.attempt.get("started"))

    @property
    def device(self) -> str | None:
        """The GPU's name, or `cpu`."""
        host = self.attempt.get("host")
        gpu = host.get("gpu") if isinstance(host, dict) else None
        device = gpu or self.attempt.get("device")
        return str(device) if device else None

    def reached(self, journalled: int | None) -> int:
        """How far the run has come; `journalled` is the last step of its journal.

        A record that nobody has closed speaks of the last validation, which may lie far back, or ahead of where a guard has
        gone back to: there the journal counts.
        """
        if self.record.get("outcome") != "running":
            return count(self.record["step"]) if "step" in self.record else journalled or 0
        return count(self.attempt.get("from_step")) if journalled is None else journalled

    def phase(self, step: int) -> str | None:
        """The name of the phase that the update after `step` belongs to, where the plan has several."""
        phases = self.experiment.training.phases if self.experiment else ()
        return self.experiment.training.phase_at(step).name if self.experiment and len(phases) > 1 else None

    def seconds_left(self, step: int) -> float | None:
        """Estimated from this attempt's whole pace, validations and checkpoints included; phases count by their tokens."""
        if not (self.alive and self.experiment and self.since):
            return None
        training, first = self.experiment.training, count(self.attempt.get("from_step"))
        try:
            elapsed = (self.folder / "metrics.jsonl").stat().st_mtime - self.since.timestamp()
        except OSError:
            return None
        at = [training.served(one) for one in (first, step, training.steps)]
        counts = [one.tokens for one in at if one] if all(at) else [first, step, training.steps]  # of a foreign program: steps
        done, left = counts[1] - counts[0], counts[2] - counts[1]
        return left * elapsed / done if done > 0 and elapsed >= SETTLED_SECONDS else None


def look(folder: Path, experiment: Experiment | None = None) -> Facts:
    """The facts as they are now; a plan that was read before may be handed in."""
    record = read_record(folder)
    outcome = str(record.get("outcome", "new"))
    if outcome == "running" and not held(folder):
        later = read_record(folder)  # it may have ended, or begun again, between the two looks
        gone = later.get("outcome") == "running" and later.get("attempts") == record.get("attempts")
        experiment = experiment or plan(folder)
        record, outcome = later, _left(folder, later, experiment) if gone else str(later.get("outcome", "new"))
    return Facts(folder, record, outcome, experiment or plan(folder))


def _left(folder: Path, record: dict[str, Any], experiment: Experiment | None) -> str:
    """What a run was that is killed now: it may have come to its end already, and been killed before its record said so."""
    own = experiment is not None and experiment.validation is not None
    steps = experiment.training.steps if experiment else None
    last = record.get("last_validation")
    judged = own and isinstance(last, dict) and record.get("step") == last.get("step") == steps
    outcome = "killed"
    for line in last_lines(folder / "events.jsonl"):
        if line.get("event") in ("started", "resumed"):
            outcome = "done" if judged and line.get("step") != steps else "killed"
        elif line.get("event") == "interrupted":
            outcome = "interrupted"
        elif own and line.get("event") == "guard" and line.get("done") in ENDINGS:
            outcome = "stopped"
    return outcome


def read_record(folder: Path) -> dict[str, Any]:
    """The record, or nothing where there is none of ours."""
    record = read_json(folder / "record.json")
    return record if isinstance(record, dict) and record.get("format") == FORMAT else {}


def held(folder: Path) -> bool:
    """Whether some process trains this run."""
    try:
        return is_held(folder / "lock")
    except OSError:  # the lock went away meanwhile, or the disk takes no probe: then it cannot be told
        return (folder / "lock").exists()


def plan(folder: Path) -> Experiment | None:
    """The experiment that the folder's snapshot holds."""
    try:
        return snapshot.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, snapshot.BadSnapshot):
        return None
