"""Training of an adapter: the loss is transformers' own, updates do not depend on how they are cut, runs go on exactly."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from expc.compiler.contract.phases import Batch
from expc.compiler.contract.training import Training
from expc.runtime import checkpoint, randomness
from expc.runtime.checkpoint import Found, Position
from expc.runtime.errors import UserError
from expc.runtime.families.musicgen_lora import adapter, base, data, generate, labels
from expc.runtime.families.musicgen_lora.task import LoraTask
from tests.runtime.families.musicgen_lora import tiny

CPU = torch.device("cpu")
NO_DROPOUT = dataclasses.replace(tiny.MODEL, dropout=0.0)


def trained(training: Training, folder: Path, updates: int) -> LoraTask:
    randomness.seed(5)
    task = LoraTask(training, folder, CPU)
    for update in range(updates):
        task.step(update, update * training.batch.samples)  # type: ignore[union-attr]
    return task


def state(task: LoraTask) -> dict[str, torch.Tensor]:
    return task.models[adapter.NAME].state_dict()


def test_the_loss_is_that_of_transformers(clips: Path) -> None:
    task = LoraTask(tiny.training(), clips, CPU)
    rows = torch.from_numpy(task.clips(0, 3))
    sums, counts = task.held_out_losses(rows.numpy(), mask=True)
    wanted = labels.labels(rows[:, 1:], rows[:, 0, 0], mask=True)
    with torch.no_grad():
        theirs = task.model.eval()(**base.encoded(task.tokenizer, ["a fast square arpeggio"] * 3), labels=wanted).loss
    assert float(sums.sum() / counts.sum()) == pytest.approx(float(theirs), rel=1e-6)


@pytest.mark.parametrize("mask", [True, False])
def test_four_clips_are_one_update_however_they_are_cut(padded: Path, mask: bool) -> None:
    cuts = [trained(tiny.training(Batch(rows, 50, 4 // rows, 1), model=NO_DROPOUT, clip_seconds=2.0, mask_padding=mask),
                    padded, 1) for rows in (1, 2, 4)]
    for other in cuts[1:]:
        for name, one in state(cuts[0]).items():
            torch.testing.assert_close(one, state(other)[name], rtol=1e-3, atol=1e-5)


def test_training_moves_the_adapter_and_nothing_else(clips: Path) -> None:
    fresh = {name: one.clone() for name, one in LoraTask(tiny.training(), clips, CPU).model.state_dict().items()}
    task = trained(tiny.training(), clips, 2)
    moved = {name for name, one in task.model.state_dict().items() if not torch.equal(one, fresh[name])}
    assert moved and all("lora_" in name for name in moved)


def test_a_prompt_says_in_training_what_it_says_when_the_model_is_heard(clips: Path) -> None:
    """The text encoder of the hub's bases drops a tenth out where it is left to train."""
    task = LoraTask(tiny.training(), clips, CPU)
    task.step(0, 0)
    assert task.model.decoder.training and not any(one.training for one in task.model.text_encoder.modules())


def test_a_run_that_was_interrupted_equals_one_that_was_not(clips: Path, tmp_path: Path) -> None:
    """With dropout, whose random numbers are part of the checkpoint."""
    training = tiny.training()
    whole, begun = trained(training, clips, 6), trained(training, clips, 3)
    folder = checkpoint.save(tmp_path, begun, Position(3, 12, 300, 0.0), {}, [randomness.state()])
    randomness.seed(99)
    resumed, found = LoraTask(training, clips, CPU), checkpoint.inspect(folder)
    assert isinstance(found, Found)
    checkpoint.load(found, resumed)
    for update in range(3, 6):
        resumed.step(update, update * 4)
    assert all(torch.equal(one, state(resumed)[name]) for name, one in state(whole).items())
    assert all(torch.equal(one, two) for group in zip(*(task.optimizers["adamw"].state_dict()["state"].values()
                                                        for task in (whole, resumed)), strict=True)
               for one, two in zip(group[0].values(), group[1].values(), strict=True))


def test_every_epoch_serves_each_clip_once(clips: Path) -> None:
    sampler = data.Clips(data.load(clips, "train"), 3)
    epochs = [[sampler.index(sample) for sample in range(12 * epoch, 12 * epoch + 12)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs) and epochs[0] != epochs[1]


def test_masked_padding_changes_no_loss(clips: Path, padded: Path) -> None:
    """A clip weighs the same whether it is padded or not, as long as the padding is masked."""
    plain = LoraTask(tiny.training(), clips, CPU).validate(2)
    masked = LoraTask(tiny.training(clip_seconds=2.0), padded, CPU).validate(2)
    assert masked["valid_loss"] == pytest.approx(plain["valid_loss"], abs=0.05)


def test_counted_padding_looks_better_and_falls_silent(padded: Path) -> None:
    """The fault of padding without a mask: the loss that is reported is lower, while what the model makes where clips were
    padded is silence far more often."""
    masked, counted = (tiny.training(clip_seconds=2.0, mask_padding=mask, steps=40) for mask in (True, False))
    runs = [trained(one, padded, 40) for one in (masked, counted)]
    good, bad = (run.validate(2) for run in runs)
    assert bad["valid_loss"] < good["valid_loss"] - 0.3 < bad["sounding_loss"]
    ends = [generate.generate(run.model, run.tokenizer, ["a fast square arpeggio"] * 8, 50, 1.0, list(range(8)), CPU)[:, 26:]
            for run in runs]
    silent = [float((codes == 0).float().mean()) for codes in ends]
    assert silent[1] > 1.5 * silent[0]


def test_another_base_than_stated_is_refused(clips: Path) -> None:
    with pytest.raises(UserError, match="model.layers is 3, the base has 2"):
        LoraTask(tiny.training(model=dataclasses.replace(tiny.MODEL, layers=3)), clips, CPU)


def test_bases_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be loaded"):
        base.load(str(tmp_path / "nowhere"))


def test_adapters_of_several_sizes_share_one_base(workspace: Path, clips: Path, padded: Path) -> None:
    assert data.base_of(clips) == data.base_of(padded)
    rows = data.load(padded, "train")
    assert rows.shape == (12, 51, 4) and rows[:, 0, 0].tolist() == [25] * 12
    # The window of the first padded frame still holds the end of the sound.
    assert np.array_equal(rows[:, 27:], np.zeros((12, 24, 4)))


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_what_is_generated_is_what_transformers_generates(clips: Path, monkeypatch: pytest.MonkeyPatch,
                                                          guidance: float) -> None:
    """The likeliest code of every row, so that no random numbers are compared; codes are taken before they become sound."""
    monkeypatch.setattr(generate, "TOP_K", 1)
    task, prompts = trained(tiny.training(), clips, 4), ["a fast square arpeggio", "slow round bass notes"]
    mine = generate.generate(task.model, task.tokenizer, prompts, 20, guidance, [0, 1], CPU)
    heard: list[torch.Tensor] = []

    def decoded(audio_codes: torch.Tensor, **options: object) -> SimpleNamespace:
        heard.append(audio_codes[0].transpose(1, 2))
        return SimpleNamespace(audio_values=torch.zeros(1))

    inner = task.model.base_model.model
    monkeypatch.setattr(inner.audio_encoder, "decode", decoded)
    inner.generate(**base.encoded(task.tokenizer, prompts), do_sample=False, guidance_scale=guidance, max_new_tokens=23)
    assert torch.equal(heard[0], mine)
