"""Sampling codes from an adapted MusicGen: a prompt and a seed in, codes out, one row of the delay pattern at a time.

Each clip has random numbers of its own, drawn from the seed and its place, so that it does not depend on which others are
made beside it. Code k of a row is sampled from its codebook once its delay has passed; before that the start token stands.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import base
from .labels import undelayed

TEMPERATURE, TOP_K = 1.0, 250
"""As MusicGen's own generation configuration has them."""


@torch.no_grad()
def generate(model: Any, tokenizer: Any, prompts: list[str], frames: int, seeds: list[int], device: torch.device) -> Tensor:
    """Codes (prompts, frames, codebooks) on the CPU; the i-th depends on its prompt and seed alone, up to rounding."""
    model.eval()
    decoder = model.config.decoder
    books, start = decoder.num_codebooks, decoder.pad_token_id
    text = {name: one.to(device) for name, one in base.encoded(tokenizer, prompts).items()}
    encoder = model.get_encoder()(**text) if hasattr(model, "get_encoder") else model.text_encoder(**text)
    dice = [torch.Generator().manual_seed(seed) for seed in seeds]
    rows = torch.full((len(prompts), frames + books - 1, books), start)
    seen, cache = torch.full((len(prompts) * books, 1), start, device=device), None
    for row in range(frames + books - 1):
        out = model(encoder_outputs=encoder, attention_mask=text["attention_mask"], decoder_input_ids=seen,
                    past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        logits = out.logits[:, -1].float().cpu().view(len(prompts), books, -1)
        for book in range(books):
            if book <= row < frames + book:
                rows[:, row, book] = _drawn(logits[:, book], dice)
        seen = rows[:, row].reshape(-1, 1).to(device)
    return undelayed(rows)


def _drawn(logits: Tensor, dice: list[torch.Generator]) -> Tensor:
    """A code for each prompt from the likeliest of its logits (prompts, codes)."""
    best, codes = (logits / TEMPERATURE).topk(min(TOP_K, logits.shape[-1]), dim=-1)
    chosen = torch.stack([torch.multinomial(one, 1, generator=die) for one, die in zip(best.softmax(-1), dice, strict=True)])
    return codes.gather(1, chosen)[:, 0]
