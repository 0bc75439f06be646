"""Foreign programs through the runtime's own command line: trained, interrupted, resumed, and everything that goes wrong."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from expc.runtime.errors import DONE, FAILED, INTERRUPTED, MISSING, MISUSED, STOPPED_BY_GUARD
from expc.runtime.supervise.offspring import is_alive
from tests.runtime.supervise.programs import EVAL, SCRIPT, Made, make

SLOW = {"delay": 0.05}


def test_a_program_is_trained_to_its_last_step(tmp_path: Path) -> None:
    made = make(tmp_path)
    code, log = made.run("preflight", "prepare", "train")
    assert code == DONE, log
    assert (made.record["outcome"], made.record["step"]) == ("done", 40)
    assert made.steps() == list(range(1, 41)) and made.steps("valid") == [10, 20, 30, 40]
    assert made.lines[0] == {"step": 1, "kind": "train", "loss": 1.0}
    assert (made.folder / "output.log").read_text().count("step ") == 41  # with the line that says where the attempt began
    assert "step 40 loss" in log and "bye" in log
    assert sorted(path.name for path in made.folder.glob("checkpoints/*")) == [f"step_0000{n}0" for n in (1, 2, 3, 4)]
    assert made.record["peak_memory"] > 10**6 and made.record["train_seconds"] > 0


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    made = make(tmp_path)
    made.run()
    code, log = made.run()
    assert code == DONE and "trained already: step 40 of 40" in log and len(made.record["attempts"]) == 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_an_interrupted_program_goes_on_from_its_newest_checkpoint(tmp_path: Path, name: str) -> None:
    made = make(tmp_path, flags=SLOW)
    process = made.start()
    process.wait_until(lambda: made.printed("step 12 "))
    process.signal(getattr(signal, name))
    code, log = process.end()
    assert code == INTERRUPTED, log
    assert f"stopped by {name} at step" in log and "bash generated/train_program.sh" in log
    assert made.record["outcome"] == "interrupted" and 10 <= made.record["step"] < 40
    code, log = made.run()
    assert code == DONE and "going on from step_" in log and "not as in the attempt before" not in log
    assert made.record["last_validation"] == {"step": 40, "valid_loss": 0.05}
    assert made.steps() == list(range(1, 41)) and made.steps("valid") == [10, 20, 30, 40]
    assert [one["outcome"] for one in made.record["attempts"]] == ["interrupted", "done"]


def test_without_a_checkpoint_it_begins_again(tmp_path: Path) -> None:
    made = make(tmp_path, flags=SLOW)
    process = made.start()
    process.wait_until(lambda: made.printed("step 3 "))
    process.signal(signal.SIGTERM)
    code, log = process.end()
    assert code == INTERRUPTED and "no checkpoint was saved. Begin again with the same command" in log
    assert made.run()[0] == DONE and made.steps() == list(range(1, 41))


def test_a_program_that_cannot_resume_is_told_nothing(tmp_path: Path) -> None:
    made = make(tmp_path, watch={"metrics": [{"json": "{run_folder}/log", "names": {"step": "n", "loss": "of.it"}}]}, script="""
        import json, sys
        out = sys.argv[sys.argv.index("--out") + 1]
        for n in range(40):
            with open(out.replace("own files", "log"), "a") as file:
                file.write(json.dumps({"n": n + 1, "of": {"it": 0.5}}) + "\\n")
        """)
    assert made.run()[0] == DONE and made.steps() == list(range(1, 41))
    assert not (made.folder / "checkpoints").exists()


def test_ending_well_too_early_is_a_failure(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 23, "then": "sys.exit(0)"})
    code, log = made.run()
    assert code == FAILED and "ended with exit code 0 at step 23 of 40: it is not done" in log
    assert made.record["outcome"] == "failed"


def test_a_program_that_reports_rarely_has_come_to_its_end(tmp_path: Path) -> None:
    assert make(tmp_path, flags={"log_every": 7, "save_every": 100}).run()[0] == DONE


def test_a_line_that_tells_the_end_is_waited_for(tmp_path: Path) -> None:
    watch = {"metrics": [{"line": r"^step (?P<step>\d+) loss (?P<loss>\S+)"}]}
    assert make(tmp_path, watch=watch | {"finished": "^bye$"}).run()[0] == DONE
    code, log = make(tmp_path / "other", watch=watch | {"finished": "^farewell"}).run()
    assert code == FAILED and "it is not done" in log


def test_a_crash_quotes_the_last_lines_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path, flags={"at": 5, "then": "raise SystemExit('token ' + os.environ['HF_TOKEN'] + ' is wrong')"},
                command={"env_from": ["HF_TOKEN"]})
    code, log = made.run("preflight", "train")
    assert code == MISSING and "HF_TOKEN is not set" in log
    process = _with_variable(made, "HF_TOKEN", "hf_sesame_open")
    code, log = process
    assert code == FAILED and "ended with exit code 1 at step 5 of 40" in log
    assert "    token <HF_TOKEN> is wrong" in log
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and "hf_sesame_open" in path.read_text(errors="replace")]
    assert [path.name for path in kept if not path.name.startswith("log")] == ["output.log"]  # the program's own words


def _with_variable(made: Made, name: str, value: str) -> tuple[int, str]:
    """Runs through a process of its own, since those of the server have the environment that it began with."""
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "expc.runtime", "run", made.snapshot, "--stage", "train"], text=True,
                          cwd=made.workspace, capture_output=True, env=dict(os.environ) | {name: value})
    return done.returncode, done.stderr


def test_who_ignores_the_signal_is_killed_and_the_run_goes_on(tmp_path: Path) -> None:
    watch = {"grace": "1s", "metrics": [{"line": r"^step (?P<step>\d+) loss (?P<loss>\S+)"}],
             "checkpoints": {"path": "{run_folder}/own files/step_{step}.json", "resume": {"resume": "{checkpoint}"}}}
    made = make(tmp_path, flags=SLOW | {"at": 12, "then": "signal.signal(15, signal.SIG_IGN)"}, watch=watch)
    process = made.start()
    process.wait_until(lambda: made.printed("step 13 "))
    process.signal(signal.SIGTERM)
    code, log = process.end()
    assert code == INTERRUPTED and "killed after 1 s since it did not end" in log
    assert made.run()[0] == DONE and made.steps() == list(range(1, 41))


def test_what_the_program_leaves_behind_is_ended(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 40, "then": "subprocess.Popen(['sleep', '60'])"})
    code, log = made.run()
    assert code == DONE and "left processes behind" in log and "left_behind" in made.events
    assert not is_alive(made.record["attempts"][-1]["process_group"])


def test_ten_megabytes_on_one_line(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 5, "then": "sys.stdout.write('x' * 10**7); print()"})
    assert made.run()[0] == DONE and made.steps() == list(range(1, 41))
    assert (made.folder / "output.log").stat().st_size > 10**7


def test_silence_is_told_with_the_last_lines(tmp_path: Path) -> None:
    watch = {"silence": "0.3s", "metrics": [{"line": r"Schritt (?P<step>\d+) (?P<loss>\S+)"}]}
    made = make(tmp_path, flags={"delay": 0.02}, watch=watch)
    code, log = made.run()
    assert code == FAILED and "no figure has been read in 0.3 s: do the patterns of watch.metrics fit" in log
    assert "    step " in log and log.count("no figure has been read") == 1 and "no_figures" in made.events


@pytest.mark.parametrize(("command", "words"), [
    ({"run": ["/nowhere/python", "train.py"]}, "/nowhere/python is not there, or cannot be executed"),
    ({"run": ["no-such-program"]}, "no-such-program is not on the PATH"),
    ({"run": ["{python}", "tarin.py"]}, "tarin.py does not exist"),
    ({"directory": "elsewhere"}, "elsewhere does not exist")])
def test_preflight_names_what_is_missing(tmp_path: Path, command: dict[str, object], words: str) -> None:
    code, log = make(tmp_path, command=command).run("preflight")
    assert code == MISSING and words in log and "Traceback" not in log


def test_another_program_under_the_same_name_is_said(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 15, "then": "sys.exit(1) if not args.resume else None"})
    assert made.run()[0] == FAILED
    (tmp_path / "their project" / "train.py").write_text(SCRIPT + "\n# changed\n")
    code, log = made.run()
    assert code == DONE and "not as in the attempt before: train.py was" in log and "program_changed" in made.events


def test_other_flags_are_another_training(tmp_path: Path) -> None:
    make(tmp_path).run()
    code, log = make(tmp_path, flags={"seed": 5}).run()
    assert code == MISUSED and "holds another training of that name" in log


def test_checkpoints_of_somebody_else_are_not_taken(tmp_path: Path) -> None:
    made = make(tmp_path)
    files = made.folder / "own files"
    files.mkdir(parents=True)
    (files / "step_30.json").write_text('{"step": 30}')
    code, log = made.run()
    assert code == MISUSED and "step_30.json is there already" in log


def test_a_checkpoint_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 25, "then": "open(args.out + '/step_20.json', 'w').close(); sys.exit(9)"})
    assert made.run()[0] == FAILED
    assert [path.name for path in made.folder.glob("checkpoints/*")] == ["step_000010"]


def test_resuming_from_another_experiment(tmp_path: Path) -> None:
    make(tmp_path).run()
    longer = make(tmp_path, name="longer", steps=60, resume={"from": "program.yaml", "step": 20})
    code, log = longer.run("preflight", "train")
    assert code == DONE and "from program step 20: step 20 to 60" in log and "not as in program: steps: 40 -> 60" in log
    assert longer.steps() == list(range(21, 61))
    missing = make(tmp_path / "other", name="program", steps=20)
    child = make(missing.workspace, name="longer", steps=60, resume={"from": "program.yaml", "step": 20})
    code, log = child.run("preflight")
    assert code == MISSING and "bash generated/train_program.sh" in log


def test_the_judge_scores_verdicts_and_comparison(tmp_path: Path) -> None:
    expect = [{"metric": "eval.accuracy", "at_least": "50%"}, {"metric": "loss", "below": 0.1},
              {"metric": "valid_loss", "below": 0.01}]
    first = make(tmp_path, eval=EVAL)
    assert first.run("train", "evaluate")[0] == DONE
    compare = {"compare": [{"spec": "program.yaml", "step": 40}]}
    better = make(tmp_path, name="better", steps=80, expect=expect, eval=EVAL | compare)
    code, log = better.run("train", "evaluate", "compare", "report")
    assert code == DONE, log
    result = json.loads((better.folder / "evaluation" / "step_000080.json").read_text())
    assert result["composite"] == {"mean": 0.8, "low": None, "high": None} and result["figures"] == {"accuracy": 0.8}
    compared = json.loads((better.folder / "comparison_results.json").read_text())
    assert compared["ranking"] == ["better", "program"]
    document = (better.folder / "EXPERIMENT_BETTER_RESULTS.md").read_text()
    assert "| 80.0% | **met** |" in document and "| 0.0125 | **met** |" in document and "| 0.025 | **missed** |" in document
    code, log = better.run("evaluate")
    assert code == DONE and "evaluated already" in log


@pytest.mark.parametrize(("judge", "words"), [
    ("import sys; sys.exit('no model')", "ended with exit code 1; its last lines:\n    no model"),
    ("print('accuracy: 83')", "accuracy is 83; a suite's score is a share"), ("print('nothing')", "gave no figure accuracy")])
def test_a_judge_that_fails(tmp_path: Path, judge: str, words: str) -> None:
    made = make(tmp_path, eval=EVAL)
    (tmp_path / "their project" / "judge.py").write_text(judge)
    code, log = made.run("train", "evaluate")
    assert code == FAILED and words in log and "Traceback" not in log


def test_a_loss_that_is_not_finite_stops_it(tmp_path: Path) -> None:
    made = make(tmp_path, flags=SLOW | {"at": 15, "then": "print('step 16 loss nan')"})
    code, log = made.run()
    assert code == STOPPED_BY_GUARD, log
    assert "stopped by guard loss_is_not_finite at step 16: loss is not finite" in log
    assert made.record["outcome"] == "stopped" and made.record["guards"][0]["step"] == 16
    assert made.record["step"] < 25 and "not as in" not in log


def test_guards_decide_after_a_resumption_as_they_would_have(tmp_path: Path) -> None:
    script = SCRIPT.replace("{2 / step:.5f}", "1.0")
    spec = {"steps": 100, "guards": [{"when": "loss < 0.2", "then": "warn"},
                                     {"when": "no improvement of valid_loss for 4 validations", "then": "stop"}]}
    whole = make(tmp_path / "whole", script, **spec)
    assert whole.run()[0] == STOPPED_BY_GUARD
    parted = make(tmp_path / "parted", script, flags={"at": 25, "then": "sys.exit(9) if not args.resume else None"}, **spec)
    code, log = parted.run()
    assert code == FAILED and log.count("warning: guard loss_below_0_2") == 1
    code, log = parted.run()
    assert code == STOPPED_BY_GUARD and "warning" not in log
    fired = [[{name: value for name, value in one.items() if name != "time"} for one in made.record["guards"]]
             for made in (whole, parted)]
    assert fired[0] == fired[1] and [one["step"] for one in fired[0]] == [6, 50]


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    made = make(tmp_path, flags={"at": 5, "then": "time.sleep(60)"}, guards=[{"when": "no progress for 2s", "then": "stop"}])
    code, log = made.run()
    assert code == STOPPED_BY_GUARD and "no progress for 2s" in log and made.record["step"] == 5


@pytest.mark.parametrize("then", [
    "[(time.sleep(0.5), print(f'valid_loss {n}')) for n in range(10)]",
    "[(time.sleep(0.5), print('valid_loss 1')) for n in range(10)]",
    "[(time.sleep(1.2), json.dump({'step': n}, open(f'{args.out}/step_{n}.json', 'w'))) for n in (6, 7, 8, 9)]"])
def test_validations_and_checkpoints_are_progress(tmp_path: Path, then: str) -> None:
    made = make(tmp_path, flags={"at": 5, "then": then}, guards=[{"when": "no progress for 3s", "then": "stop"}])
    code, log = made.run()
    assert code == DONE, log
