"""A plan: an experiment and the text of a committed snapshot in; predictions, and what a build would change, out."""

from __future__ import annotations

from collections.abc import Iterable

from ..contract import snapshot
from ..contract.experiment import Experiment
from ..contract.record import dataclass
from ..freeze import freeze
from .changes import Row, changes
from .outlook import Outlook, Stretch, outlook, stretches


@dataclass(frozen=True)
class Committed:
    """A snapshot to compare with: its text (None where there is none), where it was looked for, and what is to be known of
    that, such as that it was made under another name."""

    text: str | None
    place: str
    remark: str | None = None


@dataclass(frozen=True)
class Plan:
    """One experiment. `problem` says why its committed snapshot cannot be compared; the hashes are of training, None where
    there is nothing to compare with."""

    experiment: Experiment
    committed: Committed
    problem: str | None
    before_sha256: str | None
    after_sha256: str
    rows: tuple[Row, ...]
    stretches: tuple[Stretch, ...]
    outlooks: tuple[Outlook, ...]

    @property
    def changes_identity(self) -> bool:
        """Whether checkpoints of the committed run would not fit."""
        return self.before_sha256 is not None and self.before_sha256 != self.after_sha256

    @property
    def empty(self) -> bool:
        """Whether a build would write the snapshot that is there already."""
        return self.before_sha256 is not None and not self.rows


def plan(experiment: Experiment, committed: Committed, targets: Iterable[str] = ()) -> Plan:
    """The experiment against a snapshot, with an outlook for its own target and for others of the catalogue."""
    frozen, sha256 = freeze(experiment)
    problem, before_sha256 = None, None
    rows: tuple[Row, ...] = ()
    if committed.text is not None:
        try:
            before = snapshot.loads(committed.text)
            before_sha256 = snapshot.training_sha256(before.training)
            # Both sides go through the codec, so that 1 and 1.0 are one number on both.
            rows = changes(before, snapshot.loads(frozen)) or _otherwise(snapshot.stated_sha256(committed.text), sha256)
        except snapshot.BadSnapshot as error:
            problem = str(error)
    names = dict.fromkeys((experiment.hardware.target, *targets))
    return Plan(experiment, committed, problem, before_sha256, snapshot.training_sha256(experiment.training), rows,
                stretches(experiment.training), tuple(outlook(experiment, name) for name in names))


def _otherwise(before: str, after: str) -> tuple[Row, ...]:
    """Snapshots whose values are the same and whose texts are not: a number is written in another way."""
    return () if before == after else (Row("snapshot_sha256", before, after, None, "text", True, None),)
