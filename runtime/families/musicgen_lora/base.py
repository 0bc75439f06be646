"""The frozen base: a pretrained MusicGen by folder or hub id, or a tiny one that is trained here on two generated styles.

Comes in: what the spec says of the base. Goes out: a folder that transformers reads (model, tokenizer), or the model in it.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from expc.compiler.contract.families.musicgen_lora import Model
from expc.compiler.contract.workspace import find_workspace

from ...errors import UserError
from .. import Say
from .labels import inputs, labels, losses

ROWS, RATE, WARMUP = 8, 2e-3, 20
WITHOUT_PROMPT = 0.2
"""Share of the clips that a base is trained on without their prompt, as MusicGen was, so that guidance has a direction."""
RECIPE = {"rows": ROWS, "rate": RATE, "warmup": WARMUP, "without_prompt": WITHOUT_PROMPT}
SAY_EVERY = 100
TEXT_VOCABULARY = 384
"""ByT5's: 256 bytes behind three special tokens, and spare ones. Its tokenizer needs no file."""


def tiny(model: Model, sample_rate: int) -> Any:
    """A MusicGen of the stated sizes with random weights from torch's own generator.

    The text encoder has two layers. The audio encoder is as small as EnCodec goes; nothing uses it, since a random one
    gives one constant code.
    """
    from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, T5Config

    text = T5Config(vocab_size=TEXT_VOCABULARY, d_model=model.text_dim, d_kv=max(model.text_dim // 2, 1), num_heads=2,
                    d_ff=2 * model.text_dim, num_layers=2, dropout_rate=0.0)
    audio = EncodecConfig(sampling_rate=sample_rate, num_filters=2, hidden_size=4, codebook_size=2, codebook_dim=4,
                          num_lstm_layers=1, upsampling_ratios=[2], target_bandwidths=[float(sample_rate) / 2000])
    start: dict[str, Any] = {name: model.vocabulary for name in ("pad_token_id", "bos_token_id", "decoder_start_token_id")}
    decoder = MusicgenDecoderConfig(
        vocab_size=model.vocabulary, num_hidden_layers=model.layers, ffn_dim=model.ffn, num_attention_heads=model.heads,
        hidden_size=model.dim, num_codebooks=model.codebooks, dropout=0.0, **start)
    return MusicgenForConditionalGeneration(MusicgenConfig(text_encoder=text, audio_encoder=audio, decoder=decoder))


def configuration(said: str) -> Any | None:
    """The configuration of a pretrained base, by its folder in the workspace or from what the hub has been asked for before;
    None where it is not on this machine."""
    from transformers import MusicgenConfig

    folder = (find_workspace(Path.cwd()) or Path.cwd()) / said
    try:
        return MusicgenConfig.from_pretrained(folder if folder.is_dir() else said, local_files_only=True)
    except (OSError, ValueError):
        return None


def shaped(model: Model, sample_rate: int) -> Any:
    """A base with random weights: of the pretrained one's shape, encoders included, or of the stated sizes with tiny encoders
    where there is none on this machine. Raises UserError where the spec states other sizes than the pretrained one has."""
    from transformers import MusicgenForConditionalGeneration

    quiet()
    said = None if model.base is None else configuration(model.base)
    if said is None:
        return tiny(model, sample_rate)
    made = MusicgenForConditionalGeneration(said)
    check(made, model, str(model.base))
    return made


def quiet() -> None:
    """Keeps transformers' remarks off the terminal: that MusicGen's start token is no code of a codebook, and its bars."""
    from transformers.utils import logging

    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def pretrain(model: Model, sample_rate: int, codes: np.ndarray, prompts: list[str], seed: int, folder: Path, say: Say) -> None:
    """Trains a tiny base on clips (clips, frames, codebooks) that all sound to their end, and saves it with its tokenizer.

    AdamW with a linear warmup and a cosine to nought; everything but the audio encoder moves.
    """
    from transformers import ByT5Tokenizer

    quiet()
    steps = model.pretraining_steps or 0
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made, tokenizer = tiny(model, sample_rate), ByT5Tokenizer(extra_ids=0)
        made.freeze_audio_encoder()
        optimizer = torch.optim.AdamW([one for one in made.parameters() if one.requires_grad], lr=RATE, fused=True)
        for step in range(steps):
            chosen = torch.randint(len(codes), (ROWS,))
            text = encoded(tokenizer, [prompts[index] for index in chosen])
            text["attention_mask"][torch.rand(ROWS) < WITHOUT_PROMPT] = 0
            loss = _loss(made, torch.from_numpy(codes[chosen.numpy()].astype(np.int64)), text)
            loss.backward()
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if step % SAY_EVERY == 0 or step == steps - 1:
                say(f"pretraining the base: step {step + 1:,} of {steps:,}, loss {float(loss.detach()):.3f}")
    made.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _loss(model: Any, codes: Tensor, text: dict[str, Tensor]) -> Tensor:
    wanted = labels(codes, torch.full((len(codes),), codes.shape[1]), mask=False)
    sums, counts = losses(forward(model, wanted, text), wanted)
    return sums.sum() / counts.sum()


def forward(model: Any, labels_: Tensor, text: dict[str, Tensor]) -> Tensor:
    """Logits (B * K, rows, codes) for labels (B, rows, K) and encoded prompts of the same batch."""
    start = model.config.decoder.pad_token_id
    logits: Tensor = model(**text, decoder_input_ids=inputs(labels_, start), use_cache=False).logits
    return logits


def encoded(tokenizer: Any, prompts: list[str]) -> dict[str, Tensor]:
    """`input_ids` and `attention_mask` (prompts, tokens) of texts."""
    found = tokenizer(prompts, padding=True, return_tensors="pt")
    return {name: found[name] for name in ("input_ids", "attention_mask")}


def load(place: str) -> tuple[Any, Any]:
    """(model, tokenizer) from a folder or the hub, frozen and in fp32. Raises UserError where there is none."""
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration

    quiet()
    try:
        model = MusicgenForConditionalGeneration.from_pretrained(place, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise UserError(f"the base model {place} cannot be loaded ({str(error).splitlines()[0]}); model.base is a folder "
                        "that transformers saved, or an id of the hub, which needs the network once") from error
    model.requires_grad_(False)
    return model, tokenizer


def check(model: Any, said: Model, place: str) -> None:
    """Raises UserError where the base has other sizes than the spec states: parameters and memory were computed from them."""
    decoder = model.config.decoder
    found = {"layers": decoder.num_hidden_layers, "dim": decoder.hidden_size, "heads": decoder.num_attention_heads,
             "ffn": decoder.ffn_dim, "text_dim": model.config.text_encoder.hidden_size,
             "codebooks": decoder.num_codebooks, "vocabulary": decoder.vocab_size}
    wrong = [f"model.{name} is {getattr(said, name):,}, the base has {value:,}" for name, value in found.items()
             if getattr(said, name) != value]
    if wrong:
        raise UserError(f"{place} is not the base that the spec describes: " + "; ".join(wrong))
