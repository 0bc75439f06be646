"""`expc generate` without the command line: which checkpoint, which folder, and what a family without samples is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from expc.runtime.errors import UserError
from expc.runtime.families import gpt
from expc.runtime.generate import generate
from expc.runtime.record import Record
from expc.runtime.train import train
from tests.runtime import toy_family
from tests.runtime.families.gpt import tiny


def quiet(message: str) -> None:
    """Says nothing."""


def sample(training: object, data: Path, checkpoint: Path, device: object, folder: Path, count: int, seed: int,
           say: object) -> tuple[Path, ...]:
    """Samples that say where they come from."""
    made = tuple(folder / f"{index}.txt" for index in range(count))
    for path in made:
        path.write_text(f"{checkpoint.name} {seed}", encoding="utf-8")
    return made


def test_samples_come_from_the_newest_checkpoint_or_the_one_that_is_named(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = toy_family.experiment(toy_family.training(20))
    toy_family.write(toy, made)
    with pytest.raises(UserError, match="has no usable checkpoint of this training; make it with"):
        monkeypatch.setattr(toy_family, "sample", sample, raising=False)
        generate(made, toy, 2, 1, None, None, quiet)
    train(made, toy, Record(toy / "runs" / made.run, made, "0" * 64))
    paths = generate(made, toy, 2, 7, None, None, quiet)
    assert paths[0].parent == toy / "runs" / "toy" / "samples" / "step_000020_seed_7"
    assert [path.read_text() for path in paths] == ["step_000020 7"] * 2
    (own,) = generate(made, toy, 1, 7, toy / "own", 10, quiet)
    assert own == toy / "own" / "0.txt" and own.read_text() == "step_000010 7"
    with pytest.raises(UserError, match="is there already"):
        generate(made, toy, 1, 7, toy / "own", 10, quiet)


def test_a_family_without_samples_says_so(toy: Path) -> None:
    with pytest.raises(UserError, match="the family toy has no samples to write"):
        generate(toy_family.experiment(toy_family.training(20)), toy, 1, 1, None, None, quiet)


def test_a_gpt_writes_alphatex_from_an_empty_start(tmp_path: Path) -> None:
    run = tiny.training()
    data = tiny.prepared(run, tmp_path / "data")
    save_file(tiny.awake().state_dict(), tmp_path / "gpt.safetensors")
    texts = []
    for count in (1, 2):
        (folder := tmp_path / str(count)).mkdir()
        paths = gpt.sample(run, data, tmp_path, torch.device("cpu"), folder, count, 5, quiet)
        assert [path.name for path in paths] == [f"piece_{number:03d}.atex" for number in range(1, count + 1)]
        texts.append(paths[0].read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != ""
