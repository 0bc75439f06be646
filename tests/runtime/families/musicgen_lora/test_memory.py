"""The compiler's memory formula holds for the step that really runs, and its sizes are those of transformers' own classes;
`python -m benchmarks.memory musicgen_lora` tries bases of the hub's shape as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from benchmarks.memory import error, measured, predicted
from benchmarks.memory.musicgen_lora import CASES, SAMPLE_RATE, TOLERANCE, Case, of_the_hub
from expc.compiler.contract.training import known
from expc.compiler.families import musicgen_lora as compiled
from expc.runtime import updates
from expc.runtime.families.musicgen_lora import base

SMALL = [case for case in CASES if case.base is None]
FULL = CASES[-1]
BF16 = (CASES[0], Case(4, 256, 4, 64, 8, 20, 1), Case(2, 96, 4, 128, 12, 50, 4, targets="out_proj fc1"))


def test_the_benchmark_has_enough_cases() -> None:
    assert len(SMALL) >= 12 and (FULL.layers, FULL.dim, FULL.base) == (24, 1024, "hub") and TOLERANCE <= 0.1


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_predicts_what_the_profiler_sees(case: Case) -> None:
    said, seen, off = error(case)
    assert abs(off) <= TOLERANCE, f"predicted {said:,} bytes, measured {seen:,}"


@pytest.mark.parametrize("case", BF16, ids=str)
def test_bf16_is_as_large_as_under_autocast_on_a_cpu(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without dropout, which draws other numbers on a GPU. Copies of the frozen matrices outweigh all else in the second."""
    monkeypatch.setattr(updates, "precision", lambda training, device: torch.autocast("cpu", torch.bfloat16))
    training = case.training()
    said = sum(compiled.memory(training.config, known(training.batch), "bf16", False, "cuda").values())
    assert measured(case) == pytest.approx(said, rel=TOLERANCE)


def bytes_of(*modules: nn.Module) -> int:
    return sum(one.numel() * one.element_size() for module in modules for one in _tensors(module))


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


@pytest.mark.parametrize("case", [CASES[0], FULL], ids=["generated", "musicgen-small"])
def test_frozen_parts_are_as_large_as_transformers_makes_them(case: Case) -> None:
    with torch.device("meta"):
        model = case.training().config.model
        made = of_the_hub(model) if case.base else base.tiny(model, SAMPLE_RATE)
    said = predicted(case)
    assert said["text_encoder"] == bytes_of(made.text_encoder)
    assert said["frozen_weights"] == bytes_of(made.decoder, made.enc_to_dec_proj)
    assert said["audio_encoder"] == pytest.approx(bytes_of(made.audio_encoder), abs=64)
