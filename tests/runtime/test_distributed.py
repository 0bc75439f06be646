"""Which process this is, from what torchrun and Slurm say; and two real processes that train together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from expc.compiler.contract.guards import NOT_FINITE, Action, Guard
from expc.compiler.contract.phases import Batch
from expc.runtime import distributed
from expc.runtime.errors import UserError
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from tests.runtime import toy_family
from tests.runtime.equality import same

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_STEP_ID")


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, (0, 1, 0)),
    ({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}, (3, 4, 1)),
    ({"SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1", "SLURM_STEP_ID": "0"}, (5, 8, 1)),
    ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_LOCALID": "0"}, (0, 1, 0)),
    ({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "1",
      "SLURM_STEP_ID": "0"}, (1, 2, 1)),
    ({"RANK": "", "WORLD_SIZE": "many"}, (0, 1, 0)),
])
def test_places(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: tuple[int, int, int]) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (distributed.rank(), distributed.world_size(), distributed.local_rank()) == expected


def test_the_batch_decides_how_many_there_have_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    distributed.check(1)
    with pytest.raises(UserError, match="batch.ranks is 4, and 1 process"):
        distributed.check(4)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="batch.ranks is 1, and 2 process"):
        distributed.check(1)


TWO = """
import torch
from expc.runtime import distributed
distributed.start(torch.device("cpu"))
rank = distributed.rank()
assert distributed.anywhere(rank == 1) and not distributed.anywhere(False)
assert distributed.mean(torch.tensor(float(rank))).item() == 0.5
distributed.stop()
"""


def test_two_processes_agree(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(TWO)
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run([*TORCHRUN, str(script)], capture_output=True, text=True, timeout=120,
                          env=environment | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr


TRAIN = """
from expc.runtime.cli import main
from tests.runtime import toy_family
from tests.runtime.equality import same
with toy_family.registered():
    main()
"""


def torchrun(toy: Path, run: str = "toy", script: str = TRAIN) -> subprocess.Popen[str]:
    """Two processes that train the toy experiment of the workspace together."""
    (toy / "train.py").write_text(script)
    root = str(Path(__file__).parents[2])
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.Popen(
        [*TORCHRUN, str(toy / "train.py"), "run", str(toy / "generated" / run / "snapshot.json"),
         "--stage", "prepare", "--stage", "train"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=environment | {"OMP_NUM_THREADS": "1", "PYTHONPATH": root})


def until(true: Callable[[], bool]) -> None:
    """Waits for something, for a minute at most."""
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_two_processes_train_stop_at_the_same_step_and_go_on(toy: Path) -> None:
    training = toy_family.with_model(toy_family.training(200, batch=Batch(4, 1, 1, 2)), delay=0.01)
    toy_family.write(toy, toy_family.experiment(training))
    process = torchrun(toy)
    until((toy / "runs" / "toy" / "checkpoints" / "step_000030").is_dir)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    record = read_json(toy / "runs" / "toy" / "record.json")
    assert record["outcome"] == "interrupted" and 30 <= record["step"] < 200 and record["step"] % 20 == 0
    process = torchrun(toy)
    log = process.communicate(timeout=60)[1]
    assert process.returncode == 0, log
    assert read_json(toy / "runs" / "toy" / "record.json")["outcome"] == "done"
    lines = [line["step"] for line in read_lines(toy / "runs" / "toy" / "metrics.jsonl") if line["kind"] == "train"]
    assert lines == list(range(1, 201))


SPOILED = """
from pathlib import Path
import torch
from expc.runtime import distributed
from expc.runtime.cli import main
from tests.runtime import toy_family
taken, step = [], toy_family.ToyTask.step
def spoiled(self, update, samples):
    taken.append(update)
    with Path(__file__).with_name(f"taken{distributed.rank()}").open("a") as file:
        print(update, file=file)
    bad = update == 24 and taken.count(24) <= FIRST
    return {**step(self, update, samples), "loss": torch.tensor(9.0 if bad or distributed.rank() else 1.0)}
toy_family.ToyTask.step = spoiled
with toy_family.registered():
    main()
"""


@pytest.mark.parametrize(("first", "kind", "outcome"), [(1, "roll_back", "done"), (99, "roll_back", "stopped"),
                                                        (1, "save_and_stop", "stopped")])
def test_rank_0_judges_and_all_obey(toy: Path, first: int, kind: str, outcome: str) -> None:
    """The loss of rank 1 is always too large: nobody asks. Both take every update together, those after going back too."""
    action = Action(kind, 0.5, 2 if kind == "roll_back" else 0)  # type: ignore[arg-type]
    guards = (Guard("high", "loss > 5", action, (), {}, True), NOT_FINITE)
    toy_family.write(toy, toy_family.experiment(toy_family.training(60, batch=Batch(4, 1, 1, 2)), guards=guards))
    process = torchrun(toy, script=SPOILED.replace("FIRST", str(first)))
    log = process.communicate(timeout=120)[1]
    record = read_json(toy / "runs" / "toy" / "record.json")
    assert (record["outcome"], record["stages"]["train"]["outcome"]) == (outcome, outcome), log
    taken = [(toy / f"taken{rank}").read_text().split() for rank in (0, 1)]
    assert taken[0] == taken[1]
    assert taken[0].count("20") == {"done": 2, "stopped": 3 if kind == "roll_back" else 1}[outcome]
    back = ["rolled_back", "rolled_back", "exhausted"] if outcome == "stopped" else ["rolled_back"]
    assert [one["done"] for one in told(toy)] == (back if kind == "roll_back" else ["saved"])


def told(toy: Path) -> list[dict[str, Any]]:
    """Every firing of a guard, as the events tell it."""
    return [line for line in read_lines(toy / "runs" / "toy" / "events.jsonl") if line["event"] == "guard"]


@pytest.mark.parametrize("where", [1, 2], ids=["one of them", "both"])
def test_processes_that_hang_together_say_so_once(toy: Path, where: int) -> None:
    """Where one hangs the other waits for it: both see no progress, at updates that may be one apart."""
    training = toy_family.with_model(toy_family.training(60, batch=Batch(4, 1, 1, 2)), hang_at=25)
    guards = (Guard("slow", "no progress for 1s", Action("warn"), (), {}, True),
              Guard("hung", "no progress for 2s", Action("stop"), (), {}, True), NOT_FINITE)
    toy_family.write(toy, toy_family.experiment(training, guards=guards))
    process = torchrun(toy, script=TRAIN.replace("with toy", f"""
import time
from expc.runtime import distributed
step = toy_family.ToyTask.step
def patient(self, update, samples):
    if update == 25 and distributed.rank() >= {where}:
        return step(self, 26, samples)
    return step(self, update, samples)
toy_family.ToyTask.step = patient
with toy"""))
    process.communicate(timeout=120)
    record = read_json(toy / "runs" / "toy" / "record.json")
    assert [(one["guard"], one["done"]) for one in told(toy)] == [("slow", "warned"), ("hung", "stopped")]
    assert record["outcome"] == "stopped" and [one["outcome"] for one in record["attempts"]] == ["stopped"]


def test_a_rank_that_waits_for_data_ends_the_run(toy: Path) -> None:
    training = toy_family.with_model(toy_family.training(60, batch=Batch(4, 1, 1, 2)), hang_at=25)
    guards = (Guard("stalled", "no data for 1s", Action("stop"), (), {}, True), NOT_FINITE)
    toy_family.write(toy, toy_family.experiment(training, guards=guards))
    process = torchrun(toy, script=TRAIN.replace("with toy", """
import time
from expc.runtime import distributed
step = toy_family.ToyTask.step
def patient(self, update, samples):  # rank 0 waits for the others, not for its data
    time.sleep(4 if update == 25 and not distributed.rank() else 0)
    return step(self, update, samples)
toy_family.ToyTask.step = patient
with toy"""))
    process.communicate(timeout=120)
    record = read_json(toy / "runs" / "toy" / "record.json")
    assert (record["outcome"], record["stages"]["train"]["outcome"]) == ("stopped", "stopped")
    assert [(one["guard"], one["step"], one["done"]) for one in record["guards"]] == [("stalled", 25, "stopped")]


def final_state(toy: Path, run: str, steps: int) -> tuple[bytes, list[Any]]:
    """Weights, and the random state of both processes, at the end."""
    folder = toy / "runs" / run / "checkpoints" / f"step_{steps:06d}"
    return (folder / "generator.safetensors").read_bytes(), torch.load(folder / "random.pt", weights_only=True)


def test_each_process_gets_its_own_random_state_back(toy: Path) -> None:
    """The toy family drops out and draws noise on each rank; its first process's weights depend on what the second drew."""
    training = toy_family.with_model(toy_family.training(60, batch=Batch(4, 1, 1, 2)), delay=0.01)
    for run in ("whole", "broken"):
        toy_family.write(toy, toy_family.experiment(training, run))
    whole = torchrun(toy, "whole")
    assert whole.wait(120) == 0, whole.communicate()[1]
    broken = torchrun(toy, "broken")
    until(lambda: (toy / "runs" / "broken" / "checkpoints" / "step_000030").is_dir())
    os.killpg(broken.pid, signal.SIGKILL)
    broken.communicate(timeout=60)
    again = torchrun(toy, "broken")
    assert again.wait(120) == 0, again.communicate()[1]
    (weights, random), (resumed, random_resumed) = (final_state(toy, run, 60) for run in ("whole", "broken"))
    assert weights == resumed
    assert len(random) == 2 and not torch.equal(random[0]["torch"], random[1]["torch"])
    assert same(random, random_resumed)


def test_a_run_that_is_there_ends_at_once_on_every_process(toy: Path) -> None:
    toy_family.write(toy, toy_family.experiment(toy_family.training(10, batch=Batch(4, 1, 1, 2))))
    for _ in range(2):
        process = torchrun(toy)
        log = process.communicate(timeout=60)[1]
        assert process.returncode == 0, log
    assert "trained already" in log
