"""Which of how many processes this is, under no launcher, torchrun or Slurm, and what they average between them."""

from __future__ import annotations

import os

import torch
from torch import Tensor

_NAMES = {"rank": ("RANK", "SLURM_PROCID"), "world": ("WORLD_SIZE", "SLURM_NTASKS"), "local": ("LOCAL_RANK", "SLURM_LOCALID")}


def _number(kind: str, default: int) -> int:
    return next((int(os.environ[name]) for name in _NAMES[kind] if os.environ.get(name, "").isdecimal()), default)


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


def mean(value: Tensor) -> Tensor:
    """The mean over all processes."""
    if world_size() > 1:
        torch.distributed.all_reduce(value)
        value = value / world_size()
    return value
