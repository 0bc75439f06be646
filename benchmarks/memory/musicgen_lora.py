"""Configurations of the musicgen_lora family for the memory benchmark, on bases of random weights and random codes.

Those with a base `hub` have what MusicGen has there: its text and audio encoder, and dropout in the decoder. The last of them
is MusicGen-small with one clip of five seconds, and slow: it writes and reads 2.4 GB.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from expc.compiler.contract.families.musicgen_lora import Config, Data, Model
from expc.compiler.contract.training import Batch, Training
from expc.runtime.families.musicgen_lora import base, data

from . import run

TOLERANCE = 0.05
ALL = "q_proj k_proj v_proj out_proj fc1 fc2"
RATES = {"lr": 1e-3, "weight_decay": 0.0, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
FRAME_RATE, SAMPLE_RATE = 50, 32000
PROMPT = "a fast square arpeggio"


@dataclass(frozen=True)
class Case:
    """One configuration; each is there for the moment at which it is fullest, or for what its adapters keep."""

    layers: int
    dim: int
    heads: int
    vocabulary: int
    rank: int
    frames: int
    rows: int
    dropout: float = 0.0
    targets: str = "all"
    accumulation: int = 1
    base: str | None = None
    codebooks: int = 4

    def training(self) -> Training:
        """The run that a spec of this size compiles to."""
        model = Model(self.base, None if self.base else 1, self.layers, self.dim, self.heads, 4 * self.dim,
                      768 if self.base else 32, self.codebooks, self.vocabulary, self.rank, 2.0 * self.rank, self.dropout,
                      tuple((ALL if self.targets == "all" else self.targets).split()))
        seconds, batch = self.frames / FRAME_RATE, Batch(self.rows, self.frames, self.accumulation, 1)
        clips = Data("folder" if self.base else "synthetic", None, 2 * batch.samples, 1, seconds, seconds, FRAME_RATE,
                     SAMPLE_RATE, True, 1, (PROMPT,), 3.0)
        config = Config(model, clips)
        return run("musicgen_lora", config, batch, RATES, 1.0)

    def prepare(self, folder: Path) -> None:
        """A base of random weights, and random codes that sound to their end."""
        from transformers import ByT5Tokenizer

        base.quiet()
        training, place = self.training(), folder / "base"
        made = of_the_hub(training.config.model) if self.base else base.tiny(training.config.model, SAMPLE_RATE)
        made.save_pretrained(str(place))
        ByT5Tokenizer(extra_ids=0).save_pretrained(str(place))
        dice = np.random.default_rng(0)
        for part, count in (("train", 2 * training.batch.samples), ("valid", 1)):
            codes = dice.integers(self.vocabulary, size=(count, self.frames, self.codebooks))
            np.save(folder / f"{part}.npy", data.with_header(codes, self.frames, 0))
        (folder / data.ABOUT).write_text(json.dumps({"base": str(place), "prompts": [PROMPT]}))


def of_the_hub(model: Model) -> Any:
    """A MusicGen with the encoders and the dropout of those on the hub: t5-base, EnCodec at 32 kHz, a tenth."""
    from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, T5Config

    text = T5Config(d_model=768, d_ff=3072, num_layers=12, num_heads=12)
    audio = EncodecConfig(sampling_rate=32000, num_filters=64, codebook_size=2048, upsampling_ratios=[8, 5, 4, 4],
                          target_bandwidths=[2.2], normalize=False, use_causal_conv=False, use_conv_shortcut=False)
    decoder = MusicgenDecoderConfig(
        vocab_size=model.vocabulary, num_hidden_layers=model.layers, ffn_dim=model.ffn, num_attention_heads=model.heads,
        hidden_size=model.dim, num_codebooks=model.codebooks, pad_token_id=model.vocabulary, bos_token_id=model.vocabulary)
    return MusicgenForConditionalGeneration(MusicgenConfig(text_encoder=text, audio_encoder=audio, decoder=decoder))


CASES = (
    Case(4, 96, 4, 128, 12, 50, 8),  # the smoke profile: fullest at the loss
    Case(4, 96, 4, 128, 32, 50, 8, dropout=0.05),  # its runs with dropout
    Case(4, 96, 4, 128, 12, 100, 8),  # its run with clips of twice the length
    Case(4, 96, 4, 128, 12, 50, 1),  # one clip: its logits need no copy
    Case(2, 32, 2, 32, 4, 25, 2),  # tiny
    Case(4, 96, 4, 128, 12, 50, 8, targets="q_proj v_proj"),
    Case(4, 96, 4, 128, 12, 50, 8, dropout=0.1, targets="q_proj v_proj"),
    Case(2, 96, 4, 128, 12, 50, 4, targets="out_proj"),  # in the first layer, backward stops at the first adapter
    Case(2, 96, 4, 128, 12, 50, 4, dropout=0.1, targets="out_proj"),
    Case(2, 96, 4, 128, 12, 50, 4, targets="fc1"),
    Case(2, 96, 4, 128, 12, 50, 4, dropout=0.1, targets="fc2"),
    Case(3, 128, 4, 32, 8, 400, 1, dropout=0.2, targets="k_proj out_proj"),  # fullest in a layer's backward pass
    Case(1, 96, 4, 1024, 12, 50, 4),  # one layer: the loss outweighs it
    Case(12, 64, 1, 128, 16, 200, 2, dropout=0.05),  # deep and narrow, one head
    Case(2, 256, 8, 64, 256, 4, 1),  # a large rank and hardly any frames: fullest where the gradients are all there
    Case(4, 96, 4, 128, 48, 50, 2, accumulation=4),  # gradients stand beside the activations
    Case(3, 64, 4, 256, 8, 60, 3, codebooks=2),
    Case(8, 256, 4, 2048, 12, 250, 4, dropout=0.05, base="hub"),
    Case(8, 256, 4, 2048, 12, 250, 4, targets="q_proj v_proj", base="hub"),
    Case(24, 1024, 16, 2048, 32, 250, 1, dropout=0.05, base="hub"),
)
