"""What the compiler knows of LoRA on MusicGen: sizes of adapter and base, memory, lengths, and what a spec says."""

from __future__ import annotations

import dataclasses
import math
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.families.musicgen_lora import Config, Data, Model
from expc.compiler.contract.training import Batch
from expc.compiler.families import musicgen_lora
from expc.compiler.pipeline import Session
from tests.compiler.test_claims import EXAMPLES, ROOT

SIX = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
SMALL = Config(Model("facebook/musicgen-small", None, 24, 1024, 16, 4096, 768, 4, 2048, 32, 64.0, 0.05, SIX),
               Data("folder", "my_music", 3200, 64, 15.0, 15.0, 50.0, 32000, True, 1, ("piano",), 3.0))


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 48))
def test_six_targets_take_26_times_width_rank_and_layers(width: int, rank: int, layers: int) -> None:
    model = dataclasses.replace(SMALL.model, dim=width, ffn=4 * width, rank=rank, layers=layers)
    assert sum(musicgen_lora.parameters(Config(model, SMALL.data)).values()) == 26 * width * rank * layers


def test_the_source_documents_adapter_is_that_of_musicgen_small() -> None:
    """About 79 MB of fp32: 78 MiB at rank 32."""
    bytes_ = musicgen_lora.memory(SMALL, Batch(1, 750, 8, 1), "bf16", False, "cuda")["weights"]
    assert bytes_ == 4 * 20_447_232 and round(bytes_ / 2**20) == 78


@pytest.mark.parametrize(("dropout", "inputs"), [(0.05, 2 * (4 + 2 + 1 + 4)), (0.0, 1 + 1 + 1 + 4)])
def test_memory_of_musicgen_small_by_hand(dropout: float, inputs: int) -> None:
    """At the loss, for one clip of 15 s. The first layer keeps less: no input of its norm, no draws of dropout for q, k, v."""
    config = Config(dataclasses.replace(SMALL.model, dropout=dropout), SMALL.data)
    rows, prompt, dim = 753, 2, 1024
    layer = rows * (9 * dim + 4096 + 3 * dim + 2 * 16 + 6 + 8 * 32 + inputs * dim) + prompt * (
        2 * dim + 2 * 32 + (2 * dim if dropout else 0))
    less = rows * (dim + 2 + (3 * dim if dropout else 0))
    memory = musicgen_lora.memory(config, Batch(1, 750, 8, 1), "fp32", False, "cpu")
    assert memory == {
        "weights": 4 * 20_447_232, "optimizer_state": 8 * 20_447_232, "gradients": 4 * 20_447_232,
        "frozen_weights": 4 * (419_584_000 + 2048 * dim + 769 * dim), "text_encoder": 4 * 109_628_544,
        "audio_encoder": 4 * 58_990_166,
        "activations": 4 * (24 * layer - less + rows * (dim + 2) + prompt * dim), "loss": 4 * 2 * rows * 4 * 2048}


def test_memory_of_the_largest_adapters_is_fullest_where_all_gradients_are_there() -> None:
    few = Config(dataclasses.replace(SMALL.model, rank=2048), SMALL.data)
    memory = musicgen_lora.memory(few, Batch(1, 4, 1, 1), "fp32", False, "cpu")
    assert memory["gradients"] == memory["weights"] and not {"activations", "loss", "workspace"} & set(memory)


@pytest.mark.parametrize(("kind", "method"), [("cpu", "estimated"), ("cuda", "unverified")])
def test_memory_is_known_where_it_was_measured(kind: str, method: str) -> None:
    assert musicgen_lora.memory_method("bf16", False, kind)[0] == method


def test_modules_without_a_target_have_no_parameters() -> None:
    few = Config(dataclasses.replace(SMALL.model, targets=("fc1",)), SMALL.data)
    assert musicgen_lora.parameters(few) == {"feed_forward": 32 * 24 * (1024 + 4096)}


def test_lengths_and_chance() -> None:
    assert musicgen_lora.sample_length(SMALL) == 750 and musicgen_lora.epoch_samples(SMALL) == 3200
    assert musicgen_lora.chance_loss(SMALL) == math.log(2048)


def test_half_of_a_clip_of_15_seconds_padded_to_30_is_padding() -> None:
    assert dataclasses.replace(SMALL.data, clip_seconds=30.0).padding == 0.5
    assert dataclasses.replace(SMALL.data, clip_seconds=10.0).padding == 0.0


@pytest.mark.parametrize("profile", [None, "smoke"])
@pytest.mark.parametrize("path", sorted((ROOT / "specs/musicgen_lora").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_specs_are_sound(path: Path, profile: str | None) -> None:
    one = Session(ROOT, profile).compile(path)
    assert one.experiment is not None and one.diagnostics == ()


def test_epochs_become_steps() -> None:
    steps = {path.stem: Session(ROOT).compile(path).experiment.training.steps  # type: ignore[union-attr]
             for path in (ROOT / "specs/musicgen_lora").glob("*.yaml")}
    assert steps == {"run1_padded": 1200, "run2_masked": 400, "run3_full": 2400, "run4_stage1": 400, "run4_stage2": 1200}


@pytest.mark.parametrize("name", ["run1_padded", "run2_masked", "run3_full", "run4_stage1", "run4_stage2"])
def test_shares_of_chance_in_notes_follow_from_the_losses_beside_them(name: str) -> None:
    made = Session(ROOT).compile(ROOT / f"specs/musicgen_lora/{name}.yaml").experiment
    assert made is not None
    texts = [text for note in made.notes for text in note.text.values() if "ln 2048" in text]
    assert texts
    for text in texts:
        losses = [float(one) for one in re.findall(r"\d+\.\d{2,4}(?!\d|%)", text)]
        shares = re.findall(r"\d+\.\d%", text)
        assert shares and set(shares) <= {f"{one / math.log(2048):.1%}" for one in losses}


def test_a_clip_sounds_no_longer_than_it_is(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    shutil.copy(EXAMPLES / "specs/lora.yaml", tmp_path / "specs")
    short = tmp_path / "specs/short.yaml"
    short.write_text("extends: lora.yaml\ndata: {clip_seconds: 1s}\nbatch: {total_tokens: 100}\n")
    found = Session(tmp_path).compile(short).diagnostics
    assert [one.code for one in found] == ["E511"] and found[0].message == "clips of 1 s cannot sound for 2 s"
