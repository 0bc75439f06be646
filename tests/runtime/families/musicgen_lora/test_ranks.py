"""Two processes that train an adapter together take the same update as one that sees all clips."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from expc.compiler.contract.phases import Batch
from tests.runtime.families.musicgen_lora import tiny
from tests.runtime.families.musicgen_lora.test_task import NO_DROPOUT, state, trained

ROOT = Path(__file__).parents[4]
TWO = """
import sys
import torch
from pathlib import Path
from safetensors.torch import save_file
from expc.compiler.contract.phases import Batch
from expc.runtime import distributed
from tests.runtime.families.musicgen_lora import tiny
from tests.runtime.families.musicgen_lora.test_task import NO_DROPOUT, LoraTask, state
distributed.start(torch.device("cpu"))
task = LoraTask(tiny.training(Batch(1, 25, 2, 2), model=NO_DROPOUT), Path(sys.argv[1]), torch.device("cpu"))
losses = [float(task.step(update, 4 * update)["loss"]) for update in range(2)]
if distributed.is_main():
    save_file(state(task), sys.argv[2], {"losses": str(losses)})
distributed.stop()
"""


def test_two_processes_are_one(clips: Path, tmp_path: Path) -> None:
    program = tmp_path / "two.py"
    program.write_text(TWO)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(program), str(clips),
         str(tmp_path / "two.safetensors")], capture_output=True, text=True, timeout=300, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = trained(tiny.training(Batch(4, 25, 1, 1), model=NO_DROPOUT), clips, 2), load_file(tmp_path / "two.safetensors")
    for name, value in state(one).items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-5)
    header = (tmp_path / "two.safetensors").read_bytes()
    losses = json.loads(json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]["losses"])
    again = trained(tiny.training(Batch(4, 25, 1, 1), model=NO_DROPOUT), clips, 1)
    assert losses[1] == pytest.approx(float(again.step(1, 4)["loss"]), rel=1e-4)
