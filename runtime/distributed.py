"""Which of how many processes this is, under no launcher, torchrun or Slurm, and what they average between them."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor

from .errors import MISUSED, UserError

_TORCHRUN = {"rank": "RANK", "world": "WORLD_SIZE", "local": "LOCAL_RANK"}
_SLURM = {"rank": "SLURM_PROCID", "world": "SLURM_NTASKS", "local": "SLURM_LOCALID"}


def _number(kind: str, default: int) -> int:
    """Slurm's figures hold under `srun` only: a batch script carries them too, and is one process all the same."""
    tables = [_TORCHRUN, _SLURM] if "SLURM_STEP_ID" in os.environ else [_TORCHRUN]
    found = (os.environ.get(table[kind], "") for table in tables)
    return next((int(text) for text in found if text.isdecimal()), default)


def rank() -> int:
    """This process's number, from 0."""
    return _number("rank", 0)


def world_size() -> int:
    """How many processes train together."""
    return _number("world", 1)


def local_rank() -> int:
    """This process's number on its machine."""
    return _number("local", 0)


def is_main() -> bool:
    """Whether this is the process that writes and speaks."""
    return rank() == 0


def start(device: torch.device) -> None:
    """Joins the other processes: NCCL between GPUs, gloo between CPUs. Does nothing for a single process."""
    if world_size() > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=rank(),
                                             world_size=world_size())


def stop() -> None:
    """Leaves together; without the barrier a process that is done first can abort the others."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def check(ranks: int) -> None:
    """Raises UserError where there are not as many processes as the experiment's batch arithmetic counts on."""
    if world_size() != ranks:
        how = f"torchrun --nproc-per-node {ranks} -m expc.runtime run ..." if ranks > 1 else "it without torchrun"
        raise UserError(f"batch.ranks is {ranks}, and {world_size()} process(es) were started; start {how}", MISUSED)


def anywhere(value: bool) -> bool:
    """Whether it holds in any of the processes; all of them have to ask at the same step."""
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    flag = torch.tensor(float(value), device=device)
    torch.distributed.all_reduce(flag)
    return bool(flag.item())


def from_main(numbers: list[int]) -> list[int]:
    """Rank 0's whole numbers, in all of the processes; all of them have to ask at the same step, for as many."""
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    told = torch.tensor(numbers, dtype=torch.int64, device=device)
    torch.distributed.broadcast(told, 0)
    return [int(number) for number in told.tolist()]


def gathered(value: Any) -> list[Any] | None:
    """The values of all processes by rank, at the main one; None at the others. All of them have to call it."""
    if world_size() == 1:
        return [value]
    values: list[Any] | None = [None] * world_size() if is_main() else None
    torch.distributed.gather_object(value, values)
    return values


def of_main(value: Any) -> Any:
    """What the main process has; all of them have to call it. Raises UserError where that one has ended."""
    if world_size() == 1:
        return value
    values = [value]
    try:
        torch.distributed.broadcast_object_list(values)
    except RuntimeError as error:
        raise UserError("the main process has ended; what it printed says why") from error
    return values[0]


def mean(value: Tensor) -> Tensor:
    """The mean over all processes."""
    if world_size() > 1:
        torch.distributed.all_reduce(value)
        value = value / world_size()
    return value
