"""A folder of sound and a pretrained base by path: resampled, coded by the base's own audio encoder, trained on, heard."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import ByT5Tokenizer, EncodecConfig, EncodecModel, MusicgenForConditionalGeneration

from expc.compiler.contract.training import Training
from expc.runtime import probe
from expc.runtime.errors import UserError
from expc.runtime.families import musicgen_lora
from expc.runtime.families.musicgen_lora import adapter, base, data, sound
from tests.compiler.test_claims import EXAMPLES
from tests.runtime.families.musicgen_lora import tiny
from tests.runtime.families.musicgen_lora.test_whole_path import call

CPU = torch.device("cpu")
SPEC = """
extends: lora.yaml
name: mine
model: {base: my_base, pretraining_steps: null, vocabulary: 32, rank: 4, dropout: 0.1}
data: {source: folder, path: my_music, clips: 4, held_out: 2, audio_seconds: 1s, clip_seconds: 1s, sample_rate: 4000}
batch: {rows: 2, total_tokens: 50}
optimizer: {lr: 1.0e-2}
steps: null
epochs: 2
checkpoint: {every: 2}
report: {language: [en]}
"""
NOT_HERE = "the text and audio encoder of my_base, which is not on this machine yet"
PRETRAINED = dataclasses.replace(tiny.MODEL, base="my_base", pretraining_steps=None)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a base of random weights, whose EnCodec makes 25 frames a second, and six stereo clips at 8 kHz."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "runs/.data").mkdir(parents=True)
    torch.manual_seed(1)
    made = base.tiny(tiny.MODEL, 4000)
    made.audio_encoder = EncodecModel(EncodecConfig(
        sampling_rate=4000, num_filters=4, hidden_size=16, codebook_size=32, codebook_dim=16, num_lstm_layers=1,
        upsampling_ratios=[8, 5, 4], target_bandwidths=[0.5]))
    made.config.audio_encoder = made.audio_encoder.config
    made.save_pretrained(folder / "my_base")
    ByT5Tokenizer(extra_ids=0).save_pretrained(folder / "my_base")
    (folder / "my_music/deep").mkdir(parents=True)
    for index, seconds in enumerate((0.6, 1.0, 1.4, 1.0, 1.0, 1.0)):
        path = folder / ("my_music/deep" if index % 2 else "my_music") / f"{index}.wav"
        wave = np.sin(2 * np.pi * (200 + 40 * index) * np.arange(round(8000 * seconds)) / 8000)
        soundfile.write(path, np.stack([wave, wave], axis=1) * 0.5, 8000)
        path.with_suffix(".txt").write_text("a flute\n" if index % 2 else "a horn\n")
    return folder


def training(**changes: object) -> Training:
    return tiny.training(model=PRETRAINED, **{"source": "folder", "path": "my_music", "clips": 4, "held_out": 2, **changes})


def prepared(own: Path, name: str) -> Path:
    folder = own / "runs/.data" / name
    if not folder.is_dir():
        folder.mkdir()
        musicgen_lora.prepare(training(), own, folder, lambda line: None)
    return folder


def test_clips_keep_their_prompts_and_how_long_they_sound(own: Path) -> None:
    folder = prepared(own, "clips")
    rows = np.concatenate([data.load(folder, "train"), data.load(folder, "valid")])
    assert rows.shape == (6, 26, 4) and data.prompts(folder) == ["a flute", "a horn"]
    assert sorted(zip(rows[:, 0, 0].tolist(), rows[:, 0, 1].tolist(), strict=True)) == [
        (15, 1), (25, 0), (25, 0), (25, 0), (25, 1), (25, 1)]
    assert 0 <= rows[:, 1:].min() and rows[:, 1:].max() < 32


def test_files_are_cut_to_the_seconds_that_sound_and_padded_to_those_of_a_clip(own: Path, tmp_path: Path) -> None:
    """Five of the six are longer than 0.8 s, none fills the clip of 1.6 s: as much is padding as the compiler says."""
    said = training(audio_seconds=0.8, clip_seconds=1.6)
    musicgen_lora.prepare(said, own, tmp_path, lambda line: None)
    rows = np.concatenate([data.load(tmp_path, "train"), data.load(tmp_path, "valid")])
    assert rows.shape == (6, 41, 4) and sorted(rows[:, 0, 0].tolist()) == [15, 20, 20, 20, 20, 20]
    assert 1 - 20 / 40 == said.config.data.padding
    longer = sound.read(own / "my_music/deep/3.wav", dataclasses.replace(said.config.data, audio_seconds=5.0))
    assert len(sound.read(own / "my_music/deep/3.wav", said.config.data)) == 3200 < len(longer) == 4000


def test_it_trains_and_is_heard_through_the_bases_own_decoder(own: Path, tmp_path: Path) -> None:
    folder, saved = prepared(own, "clips"), tmp_path / "checkpoints/step_000001"
    task = musicgen_lora.build(training(), folder, CPU)
    assert float(task.step(0, 0)["loss"]) > 0
    saved.mkdir(parents=True)
    save_file(task.models[adapter.NAME].state_dict(), saved / adapter.FILE)
    found = musicgen_lora.evaluate(training(), folder, saved, CPU, tmp_path / "heard", lambda line: None)
    assert set(found.measured) == {"style_loss", "fade", "silence"} and set(found.against) == {"base"}
    wave, rate = soundfile.read(tmp_path / "heard/final_model/01.wav")
    assert (len(wave), rate) == (4000, 4000)


def test_from_a_spec_to_an_adapter_that_peft_reads(own: Path) -> None:
    """Through the command line; then on the base as a user loads it, which the adapter changes."""
    (own / "specs").mkdir()
    shutil.copy(EXAMPLES / "specs/lora.yaml", own / "specs")
    (own / "specs/mine.yaml").write_text(SPEC)
    call(own, "build", "specs/mine.yaml")
    call(own, "run", "generated/mine/snapshot.json")
    written = own / "runs/mine/evaluation/step_000004"
    lines = [json.loads(line) for line in (written / "comparison_results.jsonl").read_text().splitlines()]
    assert {line["model"] for line in lines} >= {"base", "final"} and all((written / line["file"]).is_file() for line in lines)
    fresh = MusicgenForConditionalGeneration.from_pretrained(own / "my_base")
    asked = {"input_ids": torch.ones(1, 3, dtype=torch.int64), "decoder_input_ids": torch.ones(4, 5, dtype=torch.int64)}
    before = fresh.eval()(**asked).logits
    theirs = PeftModel.from_pretrained(fresh, str(written / "adapter_final"))
    assert not torch.allclose(theirs.eval()(**asked).logits, before)
    saved = load_file(own / "runs/mine/checkpoints/step_000004" / adapter.FILE)
    assert all(torch.equal(one, saved[name]) for name, one in get_peft_model_state_dict(theirs).items()) and len(saved) == 40


def test_an_update_is_probed_on_a_base_of_the_real_ones_shape(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own audio encoder, not the tiny one of a generated base; else it is said that the encoders are not counted."""
    real, tinier = base.load(str(own / "my_base"))[0], base.tiny(tiny.MODEL, 4000)
    sizes = [sum(one.numel() for one in model.parameters()) for model in (real, tinier)]
    for place, size, said in ((own, sizes[0], ""), (Path("/"), sizes[1], NOT_HERE)):
        monkeypatch.chdir(place)
        assert sum(one.numel() for one in base.shaped(PRETRAINED, 4000).parameters()) == size
        assert probe.not_counted(training()) == said
    assert sizes[0] > 1.2 * sizes[1] and musicgen_lora.not_counted(tiny.training()) == ""
    monkeypatch.chdir(own)
    with pytest.raises(UserError, match="model.layers is 3, the base has 2"):
        base.shaped(dataclasses.replace(PRETRAINED, layers=3), 4000)


def test_edited_sound_or_another_prompt_is_other_data(own: Path) -> None:
    before = musicgen_lora.data_key(training(), own)
    assert before == musicgen_lora.data_key(training(mask_padding=False, prompts=("x",)), own)
    text = own / "my_music/0.txt"
    text.write_text("a low horn\n")
    assert musicgen_lora.data_key(training(), own) != before
    text.write_text("a horn\n")


def test_another_base_in_the_same_folder_is_other_data(own: Path, tmp_path: Path) -> None:
    (tmp_path / "my_music").symlink_to(own / "my_music")
    shutil.copytree(own / "my_base", tmp_path / "my_base")
    before = musicgen_lora.data_key(training(), tmp_path)
    assert before == musicgen_lora.data_key(training(), own)
    path = tmp_path / "my_base/model.safetensors"
    save_file({name: one + 1 for name, one in load_file(path).items()}, path, {"format": "pt"})
    assert musicgen_lora.data_key(training(), tmp_path) != before


def test_a_base_outside_the_workspace_is_named_as_it_is(own: Path, tmp_path: Path) -> None:
    """Data and workspace can move; that folder does not move with them."""
    (tmp_path / "my_music").symlink_to(own / "my_music")
    for name in ("runs/.data/one", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    elsewhere = dataclasses.replace(PRETRAINED, base=str(own / "my_base"))
    said = tiny.training(model=elsewhere, source="folder", path="my_music", clips=4, held_out=2)
    musicgen_lora.prepare(said, tmp_path, tmp_path / "runs/.data/one", lambda line: None)
    moved = (tmp_path / "runs/.data/one").rename(tmp_path / "elsewhere/one")
    assert data.base_of(moved) == str(own / "my_base")


@pytest.mark.parametrize(("changes", "words"), [
    ({"clips": 5}, "holds 6 clips"), ({"path": "nothing"}, "holds no sound"),
    ({"frame_rate": 50.0}, "frames of 4 codes of 1 s"), ({"sample_rate": 8000}, "takes 4,000 samples a second")])
def test_what_does_not_fit_is_said(own: Path, tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        musicgen_lora.prepare(training(**changes), own, tmp_path, lambda line: None)


def test_a_clip_without_a_prompt_is_said(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", np.zeros(100), 8000)
    with pytest.raises(UserError, match="one.txt is missing or empty"):
        sound.prompt(tmp_path / "one.wav")
