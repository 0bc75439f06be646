"""The standalone launcher: its text, what it calls in a bash with an empty environment, strings that try to get out of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from expc.compiler import launchers
from expc.compiler.contract import snapshot
from tests.conftest import Golden
from tests.launchers.test_quoting import HOSTILE
from tests.runtime.supervise.programs import Made, make

HASH = "0123456789abcdef" * 4
LAUNCH = {"standalone": True}
TELLS = "import json, os, sys; print(json.dumps([os.getcwd(), sys.argv[1:], {n: os.environ.get(n) for n in ('A', 'B')}]))"


def run(made: Made, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    launcher = made.workspace / "generated" / "train_program.standalone.sh"
    kept = {"PATH": "/usr/bin:/bin", "EXPC_PYTHON": sys.executable} | environment
    return subprocess.run(["bash", launcher, *arguments], env=kept, cwd="/", text=True, capture_output=True, timeout=60)


def text(made: Made) -> str:
    return launchers.render(made.experiment, HASH)["train_program.standalone.sh"]


def test_the_whole_text(tmp_path: Path, golden: Golden) -> None:
    command = {"env": {"OMP_NUM_THREADS": 1}, "env_from": ["HF_TOKEN"]}
    golden(text(make(tmp_path, launch=LAUNCH, command=command, flags={"lr": 3e-4})), "golden/train_program.standalone.sh")


def test_it_calls_the_program_with_the_words_that_expc_would(tmp_path: Path) -> None:
    made = make(tmp_path, TELLS, launch=LAUNCH, command={"env": {"A": "x y", "B": "{run_folder}"}})
    done = run(made)
    out = f"{made.folder}/own files"
    assert done.returncode == 0, done.stderr
    folder, words, environment = json.loads(done.stdout)
    assert (folder, environment) == (f"{tmp_path}/their project", {"A": "x y", "B": str(made.folder)})
    assert words == ["--out", out, "--save-every", "10", "--steps", "40"]
    saved = tmp_path / "a checkpoint.json"
    saved.touch()
    assert json.loads(run(made, "--resume", str(saved)).stdout)[1] == [*words, "--resume", str(saved)]


def test_it_trains_for_real_and_goes_on(tmp_path: Path) -> None:
    made = make(tmp_path, launch=LAUNCH, flags={"at": 25, "then": "sys.exit(7)"})
    assert run(made).returncode == 7
    done = run(made, "--resume", str(made.folder / "own files" / "step_20.json"))
    assert done.returncode == 7 and done.stdout.startswith("step 21 loss")
    assert not (made.folder / "record.json").exists()


def test_hostile_values_stay_literal(tmp_path: Path) -> None:
    values = [value for value in HOSTILE if value != "\u2028"] + ["{run_folder}$(touch owned){x}"]
    written = [value.replace("${", "$${") for value in values]
    made = make(tmp_path, TELLS, launch=LAUNCH, command={"lists": "repeat"}, flags={"v": written})
    done = run(made)
    words = json.loads(done.stdout)[1]
    assert [word for before, word in zip(words, words[1:], strict=False) if before == "--v"] == [
        *values[:-1], f"{made.folder}$(touch owned){{x}}"]
    assert not list(tmp_path.rglob("owned"))


def test_the_dry_run_can_be_pasted(tmp_path: Path) -> None:
    made = make(tmp_path, TELLS, launch=LAUNCH, command={"env": {"A": "it's"}})
    dry = run(made, "--dry-run")
    pasted = subprocess.run(["bash", "-eu"], input=dry.stdout, text=True, capture_output=True, env={"PATH": "/usr/bin:/bin"})
    assert pasted.stdout == run(made).stdout


def test_what_it_says_is_missing(tmp_path: Path) -> None:
    made = make(tmp_path, TELLS, launch=LAUNCH, command={"env_from": ["HF_TOKEN"]})
    done = run(made)
    assert done.returncode == 69 and "set HF_TOKEN in the environment" in done.stderr
    assert run(made, HF_TOKEN="x").returncode == 0
    assert run(made, "--form").returncode == 64 and run(made, "--resume").returncode == 64
    shutil.rmtree(tmp_path / "their project")
    assert run(made, HF_TOKEN="x").returncode == 69


def without_a_reader(made: Made, *arguments: str, kind: str = "standalone.sh") -> int:
    """Its exit code, with both outputs going into a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    launcher = made.workspace / "generated" / f"train_program.{kind}"
    process = subprocess.Popen(["bash", launcher, *arguments], env={"PATH": "/usr/bin:/bin", "EXPC_PYTHON": sys.executable},
                               stdout=writing, stderr=writing, stdin=subprocess.DEVNULL)
    os.close(writing)
    return process.wait(60)


def test_a_reader_that_went_away_changes_no_exit_code(tmp_path: Path) -> None:
    """What the launcher would have said does not end it with 141, and the program finds the signal as it always does."""
    made = make(tmp_path / "missing", TELLS, launch=LAUNCH, command={"env_from": ["HF_TOKEN"]})
    assert without_a_reader(made) == 69 and without_a_reader(made, "--form") == 64
    assert without_a_reader(made, "--form", kind="sh") == 64
    for number, code in enumerate(("raise SystemExit(7)", "pass")):
        made = make(tmp_path / str(number), code, launch=LAUNCH)
        assert without_a_reader(made) == (0 if code == "pass" else 7)
        assert without_a_reader(made, "--help") == 0
    kept = "import re; print(re.findall('Sig(?:Ign|Cgt):.*', open('/proc/self/status').read()))"
    made = make(tmp_path / "kept", kept, launch=LAUNCH)
    ours = subprocess.run([sys.executable, "-c", kept], capture_output=True, text=True).stdout
    assert run(made).stdout == ours
    made = make(tmp_path / "killed", "kill -PIPE $$", launch=LAUNCH, command={"run": ["bash", "train.py"]})
    assert run(made).returncode == -13


def test_help_tells_what_is_not_there(tmp_path: Path) -> None:
    guards = [{"when": "loss > 10", "then": "stop"}, {"when": "no progress for 10m", "then": "warn"}]
    said = run(make(tmp_path, launch=LAUNCH, guards=guards), "--help").stdout
    fired = ("loss > 10 -> stop", "no progress for 10m -> warn", "loss is not finite -> stop")
    assert all(word in said for word in (*fired, "no evaluation", "no journal", "--resume FILE"))
    assert "set -euo" not in said


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("overlay", [
    {}, {"flags": {"a": "$(b)", "b": "`c`", "c": "it's {run_folder}"}},
    {"command": {"env": {"A": "$(b)", "B": "{run_folder}"}, "env_from": ["HF_TOKEN"], "run": ["./a b", "-x"]}},
    {"watch": {"metrics": [{"line": "(?P<step>1)(?P<loss>2)"}]}},
    {"watch": {"metrics": [{"line": "(?P<step>1)(?P<loss>2)"}],
               "checkpoints": {"path": "{step}.pt", "resume": {"from_step": "{step}"}}}}])
def test_shellcheck_finds_nothing(tmp_path: Path, overlay: dict[str, object]) -> None:
    path = tmp_path / "launcher.sh"
    path.write_text(text(make(tmp_path / "workspace", launch=LAUNCH, **overlay)))
    done = subprocess.run(["shellcheck", path], text=True, capture_output=True)
    assert done.stdout == "" and done.returncode == 0


def test_only_the_flags_and_words_decide_the_identity(tmp_path: Path) -> None:
    one, watched = make(tmp_path / "one"), make(tmp_path / "two", watch={"metrics": [{"line": "(?P<step>1)(?P<loss>2)"}]})
    assert snapshot.training_sha256(one.experiment.training) == snapshot.training_sha256(watched.experiment.training)
    for changed in ({"flags": {"lr": 1}}, {"command": {"env": {"A": "1"}}}, {"command": {"run": ["{python}", "judge.py"]}}):
        other = make(tmp_path / "three", **changed)  # type: ignore[arg-type]
        assert snapshot.training_sha256(other.experiment.training) != snapshot.training_sha256(one.experiment.training)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_tmux_takes_a_secret_along_to_a_server_that_runs_already(tmp_path: Path) -> None:
    script = "import os; print('step 1 loss', len(os.environ['HF_TOKEN']))"
    made = make(tmp_path, script, command={"env_from": ["HF_TOKEN"]}, launch={"targets": ["tmux"]}, steps=1)
    with tempfile.TemporaryDirectory() as sockets:
        plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        plain |= {"TMUX_TMPDIR": sockets, "EXPC_PYTHON": sys.executable}
        subprocess.run(["tmux", "new-session", "-d", "-s", "other"], env=plain, check=True)
        launcher = tmp_path / "generated" / "train_program.tmux.sh"
        done = subprocess.run(["bash", launcher, "--wait", "--only", "train"], env=plain | {"HF_TOKEN": "hf_sesame_open"},
                              text=True, capture_output=True, timeout=120)
        commands = subprocess.run(["tmux", "list-panes", "-a", "-F", "#{pane_start_command}"], env=plain, text=True,
                                  capture_output=True).stdout
        subprocess.run(["tmux", "kill-server"], env=plain, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.lines[0] == {"step": 1, "kind": "train", "loss": 14.0}
    assert "hf_sesame" not in commands + launcher.read_text() + made.folder.joinpath("record.json").read_text()


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing_in_the_others(tmp_path: Path) -> None:
    made = make(tmp_path, command={"env_from": ["HF_TOKEN", "WANDB_API_KEY"]}, launch={"targets": ["bash", "tmux"]})
    for name in ("train_program.sh", "train_program.tmux.sh"):
        done = subprocess.run(["shellcheck", made.workspace / "generated" / name], text=True, capture_output=True)
        assert done.stdout == "" and done.returncode == 0
