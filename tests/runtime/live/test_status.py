"""`expc status` on runs that train, have ended or were killed, and on folders that are half written or no runs at all."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from expc.runtime.errors import DONE
from expc.runtime.live import facts
from expc.runtime.live.status import rows, table
from expc.runtime.live.view import View
from expc.runtime.record import FORMAT
from tests.runtime import processes, toy_family


def slow(steps: int = 5000, run: str = "slow") -> Any:
    made = toy_family.with_model(toy_family.training(steps), delay=0.01)
    return toy_family.experiment(toy_family.phased(made, 1000), run)


def test_a_run_that_trains_and_what_a_kill_leaves(toy: Path) -> None:
    process = processes.start(toy, slow())
    try:
        process.wait_until(lambda: any(row["step"] > 20 and row["seconds_left"] for row in rows(toy)))
        (row,) = json.loads(processes.command(toy, "status", "--json")[1])
        assert (row["outcome"], row["steps"], row["phase"], row["device"]) == ("running", 5000, "first", "cpu")
        assert row["tokens_per_second"] > 0 and row["since"].startswith("20")
        ideal = 0.01 * (5000 - row["step"])  # what the updates sleep, in the first phase's shape
        assert row["seconds_left"] > ideal
    finally:
        process.signal(signal.SIGKILL)
        process.end()
    (row,) = rows(toy)
    assert row["outcome"] == "killed" and row["seconds_left"] is None
    last = json.loads((toy / "runs" / "slow" / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    assert row["step"] == last > 20  # long before the first validation, which the record speaks of
    assert processes.run(toy, toy_family.experiment(toy_family.training(20), "later"))[0] == DONE
    assert [(row["run"], row["outcome"]) for row in rows(toy)] == [("later", "done"), ("slow", "killed")]


@pytest.mark.parametrize("outcome, journalled, step", [
    ("running", [28, 29, 21, 22], 22), ("running", [], 20), ("stopped", [1, 2], 30), ("failed", [], 30),
])
def test_the_journal_counts_until_the_record_is_closed(tmp_path: Path, outcome: str, journalled: list[int], step: int) -> None:
    """A validation at step 30 was noted, then a guard went back to step 20."""
    folder = tmp_path / "runs" / "x"
    folder.mkdir(parents=True)
    record = {"format": FORMAT, "outcome": outcome, "step": 30, "attempts": [{"from_step": 20}]}
    (folder / "record.json").write_text(json.dumps(record))
    (folder / "metrics.jsonl").write_text("".join(f'{{"kind": "train", "step": {one}}}\n' for one in journalled))
    assert [row["step"] for row in rows(tmp_path)] == [step]
    assert View(folder).step == step


HOSTILE = {
    "no_record": None, "empty": "", "torn": '{"format": "expc.run/1", "outc', "list": "[1, 2]", "foreign": '{"run": "x"}',
    "deep": "[" * 100_000,
}
ODD = {
    "types": {"outcome": ["x"], "step": "7", "attempts": {"a": 1}, "last_validation": [1], "tokens_per_second": "fast"},
    "odd_attempt": {"outcome": "running", "step": -5, "attempts": [7], "last_validation": {"step": "x", "loss": None}},
    "times": {"outcome": "done", "step": True, "attempts": [{"started": "0001-01-01T00:00:00", "host": 3, "device": 9}]},
    "huge": {"outcome": "failed", "step": 10**400, "tokens_per_second": 10**400, "last_validation": {"loss": 10**400}},
    "control": {"outcome": "\x1b[2Jdone", "step": 3, "attempts": [{"started": None, "device": "\u202egpu"}]},
}


def test_foreign_and_half_written_folders_are_passed_over_or_shown_as_far_as_they_go(toy: Path) -> None:
    for name, text in HOSTILE.items():
        (toy / "runs" / name).mkdir(parents=True)
        if text is not None:
            (toy / "runs" / name / "record.json").write_text(text)
    for name, record in ODD.items():
        folder = toy / "runs" / name
        folder.mkdir()
        (folder / "record.json").write_text(json.dumps({"format": "expc.run/1", "run": "elsewhere", **record}))
        (folder / "metrics.jsonl").write_bytes(b'{"step": 3, "kind": 5}\n\xff\xfe\n[]\n{"step": "4"')
        (folder / "snapshot.json").write_bytes(b"\xff{")
        (folder / "lock").mkdir()
    (toy / "runs" / "file").write_text("no folder")
    code, log = processes.command(toy, "status")
    assert code == DONE and "Traceback" not in log and "\x1b" not in log and "\u202e" not in log
    assert {line.split()[0] for line in log.splitlines()[1:]} == set(ODD)
    assert {row["run"] for row in json.loads(processes.command(toy, "status", "--json")[1])} == set(ODD)


def test_columns_line_up() -> None:
    one = {"run": "a", "outcome": "done", "step": 5, "steps": 10_000, "phase": None,
           "last_validation": {"step": 5, "loss": 1.5}, "tokens_per_second": 1234.5, "seconds_left": None, "since": None,
           "device": "cpu", "counted": "tokens"}
    lines = table([one, one | {"run": "long_name", "outcome": "running", "seconds_left": 90.0}])
    assert " ".join(lines[1].split()) == "a done 5 of 10,000 - loss 1.5000 (step 5) 1,234 tokens/s - - cpu"
    assert lines[0].index("step") == lines[1].index("5 of") == lines[2].index("5 of")
    assert "about 1 min 30 s" in lines[2]


def test_a_run_that_ends_between_two_looks_was_not_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"format": "expc.run/1", "outcome": "running", "attempts": [{"started": "2026-01-01T00:00:00+00:00"}]}

    def ends(folder: Path) -> bool:
        (folder / "record.json").write_text(json.dumps(record | {"outcome": "done"}))
        return False

    (tmp_path / "record.json").write_text(json.dumps(record))
    monkeypatch.setattr(facts, "held", lambda folder: False)
    assert facts.look(tmp_path).outcome == "killed"
    monkeypatch.setattr(facts, "held", ends)
    assert facts.look(tmp_path).outcome == "done"
