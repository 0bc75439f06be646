"""What is said of a program while it runs and at its end: milestones, a pattern that fits nothing, work in the background."""

from __future__ import annotations

from pathlib import Path

import pytest

from expc.runtime.errors import DONE, FAILED
from expc.runtime.journal import read_lines
from tests.runtime.supervise.programs import SPEC, Made, make


def test_milestones_on_the_way(tmp_path: Path) -> None:
    milestones = [{"metric": "valid_loss", "by": 20, "at_most": 0.15}, {"metric": "valid_loss", "at": 30, "at_most": 0.01}]
    made = make(tmp_path, milestones=milestones)
    assert made.run("train", "report")[0] == DONE
    document = (made.folder / "EXPERIMENT_PROGRAM_RESULTS.md").read_text()
    assert "0.1" in document and "**met**" in document and "**missed**" in document


def said(made: Made) -> list[tuple[object, ...]]:
    """Milestones as the events tell them: what, at which step it was said, how it was decided."""
    return [(line["milestone"], line["step"], line["outcome"], line["measured"])
            for line in read_lines(made.folder / "events.jsonl") if line["event"] == "milestone"]


def test_milestones_are_said_when_they_are_passed_and_once(tmp_path: Path) -> None:
    """A step is over with the next figure of an update; one that is met is said at once; the last ones at the end."""
    milestones = [{"metric": "valid_loss", "by": 30, "at_most": 0.1}, {"metric": "valid_loss", "at": 10, "at_most": 0.01},
                  {"metric": "train_loss", "by": 25, "at_most": 9.0}, {"metric": "valid_loss", "at": 40, "at_most": 0.01},
                  {"metric": "valid_loss", "at": 15, "at_most": 9.0}]
    made = make(tmp_path, milestones=milestones, flags={"at": 33, "then": "if not args.resume: sys.exit(3)"})
    passed = [("valid_loss <= 0.01 at step 10", 11, "missed", 0.2), ("valid_loss <= 9 at step 15", 16, "not_measured", None),
              ("valid_loss <= 0.1 by step 30", 20, "met", 0.1), ("train_loss <= 9 by step 25", 26, "met")]
    assert made.run()[0] == FAILED
    assert [one[:3] for one in said(made)] == [one[:3] for one in passed]
    code, log = made.run()
    assert code == DONE and "milestone valid_loss <= 0.01 at step 40: missed (0.05 at step 40)" in log
    assert said(made)[4:] == [("valid_loss <= 0.01 at step 40", 40, "missed", 0.05)]


def test_what_the_program_leaves_open_is_a_line_of_its_own(tmp_path: Path) -> None:
    script = "import sys; sys.stdout.write('\\r'.join(f'step {n} loss 1' for n in range(1, 41)))"
    made = make(tmp_path, script, watch={"metrics": SPEC["watch"]["metrics"]})
    code, log = made.run()
    assert code == DONE and log.endswith("step 40 loss 1\ntrained to step 40\n") and made.steps() == list(range(1, 41))
    assert (made.folder / "output.log").read_bytes().endswith(b"step 40 loss 1")


@pytest.mark.parametrize(("steps", "every"), [(40, 10), (40, 30)], ids=["on the way", "at the end"])
def test_a_pattern_that_names_no_checkpoint_is_said(tmp_path: Path, steps: int, every: int) -> None:
    watch = SPEC["watch"] | {"checkpoints": SPEC["watch"]["checkpoints"] | {"path": "{run_folder}/own files/step-{step}.json"}}
    made = make(tmp_path, watch=watch, steps=steps, checkpoint={"every": every})
    code, log = made.run()
    assert code == DONE and log.count("warning: no checkpoint of {run_folder}/own files/step-{step}.json is there at step") == 1
    assert made.events.count("no_checkpoint") == 1


def test_a_program_that_saves_as_it_should_is_not_warned_about(tmp_path: Path) -> None:
    assert "no checkpoint of" not in make(tmp_path, flags={"delay": 0.02}).run()[1]


def test_a_program_that_trains_in_the_background_is_told_to_wait(tmp_path: Path) -> None:
    script = "import subprocess; subprocess.Popen(['sleep', '60']); print('step 1 loss 2')"
    made = make(tmp_path, script, watch=SPEC["watch"] | {"grace": "1s"})
    code, log = made.run()
    assert code == FAILED and "has it started the training in the background? Let it wait for that; its last lines" in log
