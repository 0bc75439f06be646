"""Which process this is, from what torchrun and Slurm say; and two real processes that train together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from expc.runtime import distributed
from expc.runtime.errors import UserError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_STEP_ID")


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, (0, 1, 0)),
    ({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}, (3, 4, 1)),
    ({"SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1", "SLURM_STEP_ID": "0"}, (5, 8, 1)),
    ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_LOCALID": "0"}, (0, 1, 0)),
    ({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "1", "SLURM_STEP_ID": "0"},
     (1, 2, 1)),
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
    done = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)],
                          capture_output=True, text=True, timeout=120, env=environment | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
