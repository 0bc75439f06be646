"""Which process this is, from what torchrun and Slurm say; and two real processes that train together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from expc.compiler.contract.training import Batch
from expc.runtime import distributed
from expc.runtime.errors import UserError
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from tests.runtime import toy_family

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
with toy_family.registered():
    main()
"""


def torchrun(toy: Path) -> subprocess.Popen[str]:
    """Two processes that train the toy experiment of the workspace together."""
    (toy / "train.py").write_text(TRAIN)
    root = str(Path(__file__).parents[2])
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.Popen(
        [*TORCHRUN, str(toy / "train.py"), "run", str(toy / "generated" / "toy" / "snapshot.json"),
         "--stage", "prepare", "--stage", "train"],
        stderr=subprocess.PIPE, text=True, env=environment | {"OMP_NUM_THREADS": "1", "PYTHONPATH": root})


def test_two_processes_train_stop_at_the_same_step_and_go_on(toy: Path) -> None:
    training = toy_family.with_model(toy_family.training(200, batch=Batch(4, 1, 1, 2)), delay=0.01)
    toy_family.write(toy, toy_family.experiment(training))
    process = torchrun(toy)
    deadline = time.monotonic() + 60
    while not (toy / "runs" / "toy" / "checkpoints" / "step_000030").is_dir() and time.monotonic() < deadline:
        time.sleep(0.01)
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
