"""Base, best and final over the same prompts: figures, clips, a line for each, and samples that depend on their number."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from expc.compiler.contract.training import Training
from expc.runtime import updates
from expc.runtime.families import musicgen_lora
from expc.runtime.families.musicgen_lora import adapter
from expc.runtime.families.musicgen_lora.task import LoraTask
from tests.runtime.families.musicgen_lora import tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with checkpoints at steps 2 and 4; the first had the lower loss."""
    folder, task = tmp_path_factory.mktemp("run"), LoraTask(tiny.training(), clips, CPU)
    lines = []
    for step, loss in ((2, 3.0), (4, 3.2)):
        for update in range(step - 2, step):
            task.step(update, 4 * update)
        saved = folder / "checkpoints" / f"step_{step:06d}"
        saved.mkdir(parents=True)
        save_file({name: one.clone() for name, one in task.models[adapter.NAME].state_dict().items()}, saved / adapter.FILE)
        lines.append(json.dumps({"kind": "valid", "step": step, "valid_loss": loss, "sounding_loss": loss}))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def evaluated(clips: Path, run: Path, step: int, folder: Path) -> tuple[musicgen_lora.Findings, list[str]]:
    said: list[str] = []
    found = musicgen_lora.evaluate(tiny.training(), clips, run / "checkpoints" / f"step_{step:06d}", CPU, folder, said.append)
    return found, said


def test_base_best_and_final_sing_the_same_prompts(clips: Path, run: Path, tmp_path: Path) -> None:
    found, _ = evaluated(clips, run, 4, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "comparison_results.jsonl").read_text().splitlines()]
    assert [(line["model"], line["step"], line["seed"]) for line in lines] == [
        (model, step, seed) for model, step in (("base", None), ("best", 2), ("final", 4)) for seed in (0, 1)]
    assert set(found.measured) == set(found.against["base"]) == {"style_loss", "shown_loss", "fade", "silence"}
    assert found.measured["style_loss"] < found.against["base"]["style_loss"]
    assert all((tmp_path / one.path).is_file() and set(one.caption) == {"zh", "en"} for one in found.exhibits)
    sound, rate = soundfile.read(tmp_path / lines[0]["file"])
    assert (len(sound), rate) == (4000, 4000)


def test_the_best_that_is_the_final_one_is_heard_once(clips: Path, run: Path, tmp_path: Path) -> None:
    found, said = evaluated(clips, run, 2, tmp_path)
    assert set(found.against) == {"base"} and any("the same weights" in line for line in said)


def test_a_sample_depends_on_seed_and_number_alone(clips: Path, run: Path, tmp_path: Path) -> None:
    made = [musicgen_lora.sample(tiny.training(), clips, run / "checkpoints/step_000004", CPU, tmp_path / name, count, 7,
                                 lambda line: None) for name, count in (("two", 2), ("three", 3))]
    sounds = [[soundfile.read(path)[0] for path in paths] for paths in made]
    assert all(np.array_equal(one, two) for one, two in zip(sounds[0], sounds[1], strict=False))
    assert not np.array_equal(sounds[1][0], sounds[1][2])


def test_an_update_can_be_timed_without_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the precision that the spec asks for: each of two updates has two micro-batches."""
    entered: list[tuple[Training, torch.device]] = []

    def precision(training: Training, device: torch.device) -> AbstractContextManager[object]:
        entered.append((training, device))
        return updates.precision(training, device)

    monkeypatch.setattr(musicgen_lora, "precision", precision)
    assert musicgen_lora.probe(tiny.training(), CPU, 1) > 0
    assert entered == 4 * [(tiny.training(), CPU)]
