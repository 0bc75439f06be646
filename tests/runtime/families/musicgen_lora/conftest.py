"""Prepared clips and their base, made once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from expc.runtime.families import musicgen_lora
from tests.runtime.families.musicgen_lora import tiny


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace for prepared data."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("lora")
    (folder / "runs" / ".data").mkdir(parents=True)
    return folder


def prepared(workspace: Path, name: str, **data: object) -> Path:
    """Clips of the tiny spec, with fields of its data replaced."""
    folder = workspace / "runs" / ".data" / name
    if not folder.is_dir():
        folder.mkdir()
        musicgen_lora.prepare(tiny.training(**data), workspace, folder, lambda line: None)
    return folder


@pytest.fixture(scope="session")
def clips(workspace: Path) -> Path:
    """Clips that sound to their end."""
    return prepared(workspace, "clips")


@pytest.fixture(scope="session")
def padded(workspace: Path) -> Path:
    """The same padded to twice their length."""
    return prepared(workspace, "padded", clip_seconds=2.0)
