"""Checkpoints of a foreign program that are empty, cut short or incomplete: passed over, and said so."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from expc.runtime.errors import DONE, FAILED, INTERRUPTED
from expc.runtime.files import read_json
from tests.runtime.supervise.programs import SCRIPT, Made, make

DIES = {"at": 35, "then": "sys.exit(9) if not args.resume else 0"}


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A run whose program has died at step 35, with checkpoints of 10, 20 and 30."""
    made = make(tmp_path, flags=DIES)
    assert made.run()[0] == FAILED
    return made


def saved(made: Made, step: int) -> Path:
    return made.folder / "own files" / f"step_{step}.json"


def test_one_that_the_program_dies_on_is_passed_over_for_the_one_before(made: Made) -> None:
    os.truncate(saved(made, 30), 5)
    code, log = made.run()
    assert code == DONE, log
    assert "passing over step_30.json: the program has not given a figure since it went on from there" in log
    assert "going on from step_20.json" in log and made.steps() == list(range(1, 41)) and "skipped_checkpoint" in made.events
    assert [one["outcome"] for one in made.record["attempts"]] == ["failed", "failed", "done"]
    assert sorted(path.name for path in made.folder.glob("checkpoints/*")) == [f"step_0000{n}0" for n in (1, 2, 3, 4)]


def test_one_that_was_died_on_is_not_tried_again(made: Made) -> None:
    os.truncate(saved(made, 30), 5)
    script = made.workspace / "their project" / "train.py"
    script.write_text(SCRIPT.replace("if step == args.at", "if step == 22: sys.exit(9)\n    if step == args.at"))
    assert made.run()[0] == FAILED
    script.write_text(SCRIPT)
    code, log = made.run()
    assert code == DONE and "going on from step_20.json" in log and len(made.record["attempts"]) == 4
    assert "passing over step_30.json: the program died on it, and went on from an earlier one" in log


def test_what_is_wrong_with_the_program_is_not_laid_on_its_checkpoints(made: Made) -> None:
    script = made.workspace / "their project" / "train.py"
    script.write_text("raise SystemExit('no such module')")
    code, log = made.run()
    assert code == FAILED and "gave no figure after step_30.json and none after step_20.json: something else" in log
    assert log.count("    no such module") >= 2 and made.steps()[-1] == 30
    script.write_text(SCRIPT)
    code, log = made.run()
    assert code == DONE and "going on from step_30.json" in log and made.steps() == list(range(1, 41))


def test_an_interruption_before_the_first_figure_loses_nothing(made: Made) -> None:
    script = made.workspace / "their project" / "train.py"
    script.write_text("import sys, time\nif 'step_30' in ' '.join(sys.argv): sys.exit(9)\nprint('quiet')\ntime.sleep(60)")
    process = made.start()
    process.wait_until(lambda: made.printed("quiet"))
    process.signal(signal.SIGTERM)
    assert process.end()[0] == INTERRUPTED and made.steps() == list(range(1, 31))
    script.write_text(SCRIPT)
    code, log = made.run()
    assert code == DONE and "going on from step_30.json" in log and made.steps() == list(range(1, 41))


def test_the_only_one_is_not_given_up_without_asking(made: Made) -> None:
    saved(made, 10).unlink(), saved(made, 20).unlink(), os.truncate(saved(made, 30), 5)
    code, log = made.run()
    assert code == FAILED and "there is no checkpoint before that one. If it is damaged, move it away" in log
    saved(made, 30).unlink()
    (made.workspace / "their project" / "train.py").write_text(SCRIPT.replace("if step == args.at", "if False"))
    assert made.run()[0] == DONE and made.steps() == list(range(1, 41))


def test_an_empty_one_is_named(made: Made) -> None:
    os.truncate(saved(made, 30), 0)
    code, log = made.run()
    assert code == DONE and "passing over step_30.json: step_30.json is empty" in log and "going on from step_20.json" in log


def test_the_checkpoint_that_a_message_names_is_the_one_that_is_gone_on_from(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 20, "then": "print('quiet'); time.sleep(60) if not args.resume else 0"})
    process = made.start()
    process.wait_until(lambda: made.printed("quiet"))
    process.signal(signal.SIGTERM)
    code, log = process.end()
    assert code == INTERRUPTED and "the newest checkpoint is of step 20" in log
    assert (read_json(made.folder / "checkpoints" / "step_000020" / "state.json") or {})["position"]["step"] == 20
    code, log = made.run()
    assert code == DONE and "going on from step_20.json" in log
