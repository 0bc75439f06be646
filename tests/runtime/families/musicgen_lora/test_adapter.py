"""The adapter against peft's: as many parameters as the compiler says, equal to the base at first, read back by peft."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

from expc.compiler.contract.families.musicgen_lora import Config, Model
from expc.compiler.families import musicgen_lora as compiler
from expc.runtime.families.musicgen_lora import adapter, base, data, labels
from tests.runtime.families.musicgen_lora import tiny

SMALL = Model("facebook/musicgen-small", None, 24, 1024, 16, 4096, 768, 4, 2048, 32, 64.0, 0.05, tiny.TARGETS)
MODULES = {"self_attn": "self_attention", "encoder_attn": "cross_attention", "fc1": "feed_forward", "fc2": "feed_forward"}


def by_module(adapted: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, one in adapted.named_parameters():
        if one.requires_grad:
            module = next(word for part, word in MODULES.items() if f".{part}." in name)
            found[module] = found.get(module, 0) + one.numel()
    return found


@pytest.mark.parametrize("targets", [tiny.TARGETS, ("q_proj", "v_proj"), ("fc1",)])
def test_parameters_by_module_are_the_built_models(targets: tuple[str, ...]) -> None:
    model = dataclasses.replace(tiny.MODEL, targets=targets)
    adapted = adapter.adapt(base.tiny(model, 4000), model, 1)
    assert by_module(adapted) == compiler.parameters(Config(model, tiny.DATA))
    assert sum(one.numel() for one in adapter.Adapter(adapted).parameters()) == sum(by_module(adapted).values())


def test_parameters_at_the_size_of_musicgen_small() -> None:
    """The sizes are transformers' defaults, which are MusicGen-small's."""
    with torch.device("meta"):
        decoder = MusicgenForCausalLM(MusicgenDecoderConfig())
        adapted = adapter.adapt(decoder.requires_grad_(False), SMALL, 1)
    config = Config(SMALL, tiny.DATA)
    assert by_module(adapted) == compiler.parameters(config)
    assert sum(by_module(adapted).values()) == 26 * 1024 * 32 * 24 == 20_447_232
    assert sum(one.numel() for one in decoder.parameters() if not one.requires_grad) == compiler.frozen_parameters(config)


def test_the_tiny_decoder_is_counted_too() -> None:
    decoder = base.tiny(tiny.MODEL, 4000).decoder
    assert sum(one.numel() for one in decoder.parameters()) == compiler.frozen_parameters(Config(tiny.MODEL, tiny.DATA))


def counted(targets: tuple[str, ...], frames: int, prompt: int) -> dict[str, int]:
    """FLOPs of forward and backward by operator in six of MusicGen-small's layers: one clip, a prompt of so many tokens."""
    with torch.device("meta"):
        decoder = MusicgenForCausalLM(MusicgenDecoderConfig(num_hidden_layers=6)).requires_grad_(False)
        adapted = adapter.adapt(decoder, dataclasses.replace(SMALL, targets=targets, dropout=0.0), 1)
        codes, text = torch.zeros(4, frames, dtype=torch.int64), torch.zeros(1, prompt, 1024)
        with FlopCounterMode(display=False) as counter:
            adapted(input_ids=codes, encoder_hidden_states=text, use_cache=False).logits.sum().backward()
    return {str(operator): count for operator, count in counter.get_flop_counts()["Global"].items()}


@pytest.mark.parametrize("targets", [tiny.TARGETS, ("q_proj", "v_proj"), ("fc1",)])
def test_flops_are_no_more_than_are_counted(targets: tuple[str, ...]) -> None:
    """Torch's own count less what grows with the prompt: all but some of the first layer's matrices, and attention in full,
    where half of it is causal."""
    config, frames = Config(dataclasses.replace(SMALL, layers=6, targets=targets), tiny.DATA), 250
    some, twice = counted(targets, frames, 8), counted(targets, frames, 16)
    each = {operator: (2 * count - twice[operator]) / frames for operator, count in some.items()}
    assert 1 <= each["aten.mm"] / compiler.flops_per_token(config, 0) < 1.1
    assert 1 <= sum(each.values()) / compiler.flops_per_token(config, frames) < 1.15


def test_at_first_the_adapted_model_is_the_base(clips: Path) -> None:
    model, tokenizer = base.load(data.base_of(clips))
    rows = torch.from_numpy(data.load(clips, "valid").astype("int64"))
    wanted = labels.labels(rows[:, 1:], rows[:, 0, 0], mask=True)
    text = base.encoded(tokenizer, ["a fast square arpeggio"] * len(rows))
    before = base.forward(model.eval(), wanted, text)
    assert torch.equal(base.forward(adapter.adapt(model, tiny.MODEL, 1).eval(), wanted, text), before)


def test_peft_reads_what_is_exported(clips: Path, tmp_path: Path) -> None:
    adapted = adapter.adapt(base.load(data.base_of(clips))[0], tiny.MODEL, 1)
    mine = {name: torch.randn_like(one) for name, one in adapter.Adapter(adapted).state_dict().items()}
    save_file(mine, tmp_path / adapter.FILE)
    adapter.export(adapted, tmp_path, tmp_path / "adapter")
    fresh = base.load(data.base_of(clips))[0]
    theirs = adapter.Adapter(PeftModel.from_pretrained(fresh, tmp_path / "adapter", is_trainable=True))
    assert all(torch.equal(one, mine[name]) for name, one in theirs.state_dict().items()) and len(mine) == 2 * 10 * 2


def test_an_adapter_of_another_rank_is_refused(clips: Path) -> None:
    one, other = (adapter.adapt(base.load(data.base_of(clips))[0], dataclasses.replace(tiny.MODEL, rank=rank), 1)
                  for rank in (4, 6))
    with pytest.raises(RuntimeError, match="another rank"):
        adapter.Adapter(one).load_state_dict(adapter.Adapter(other).state_dict())
