"""What an attempt of a foreign program leaves beside the program's own: its end in the record, its figures in trackers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from expc.runtime.errors import DONE, INTERRUPTED
from tests.runtime import killing, processes
from tests.runtime.supervise.programs import make
from tests.runtime.test_trackers import event_files, journal


def test_a_signal_right_after_the_attempt_was_noted_is_in_the_record(tmp_path: Path) -> None:
    made = make(tmp_path)
    strike = partial(killing.strike_after, "expc.runtime.supervise.train", "Attempt._begin")
    process = processes.start_command(made.workspace, "run", made.snapshot, "--stage", "train", before=strike)
    code, log = process.end()
    assert code == INTERRUPTED and "Traceback" not in log, log
    assert (made.record["outcome"], [one["outcome"] for one in made.record["attempts"]]) == ("interrupted", ["interrupted"])


def test_its_figures_are_in_trackers_too(tmp_path: Path) -> None:
    made = make(tmp_path, report={"language": ["en"], "trackers": ["tensorboard"]})
    assert made.run()[0] == DONE
    told = event_files(made.folder)
    assert told == journal(made.folder) and [step for step, _ in told["train/loss"]] == list(range(1, 41))
