"""Sampling codes from an adapted MusicGen: a prompt and a seed in, codes out, one row of the delay pattern at a time.

Each clip has random numbers of its own, drawn from the seed and its place, so that it does not depend on which others are
made beside it. Code k of a row is sampled from its codebook once its delay has passed; before that the start token stands.

Guided without a classifier (Ho and Salimans 2022): logits move from those that no prompt gives through those that the prompt
gives, `guidance` times as far. As in transformers, no prompt is one of zeros that nothing attends to.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import base
from .labels import undelayed

TEMPERATURE, TOP_K = 1.0, 250
"""As Copet et al. 2023 sample MusicGen, with a guidance of 3. The generation configuration of its weights on the hub states
that guidance and no top_k, for which transformers takes 50."""


@torch.no_grad()
def generate(model: Any, tokenizer: Any, prompts: list[str], frames: int, guidance: float, seeds: list[int],
             device: torch.device) -> Tensor:
    """Codes (prompts, frames, codebooks) on the CPU; the i-th depends on its prompt and seed alone, up to rounding. A
    `guidance` of 1 is none."""
    model.eval()
    decoder = model.config.decoder
    books, start = decoder.num_codebooks, decoder.pad_token_id
    hidden, mask = _conditions(model, base.encoded(tokenizer, prompts), guidance, device)
    dice = [torch.Generator().manual_seed(seed) for seed in seeds]
    rows = torch.full((len(prompts), frames + books - 1, books), start)
    seen, cache = torch.full((len(hidden) * books, 1), start, device=device), None
    for row in range(frames + books - 1):
        out = model(encoder_outputs=(hidden,), attention_mask=mask, decoder_input_ids=seen, past_key_values=cache,
                    use_cache=True)
        cache = out.past_key_values
        logits = _guided(out.logits[:, -1].float().cpu().view(len(hidden), books, -1), len(prompts), guidance)
        for book in range(books):
            if book <= row < frames + book:
                rows[:, row, book] = _drawn(logits[:, book], dice)
        seen = rows[:, row].reshape(-1, 1).repeat(len(hidden) // len(prompts), 1).to(device)
    return undelayed(rows)


def _conditions(model: Any, text: dict[str, Tensor], guidance: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """What the text encoder makes of the prompts, and which of it counts; with guidance, as many times nothing behind it."""
    said = {name: one.to(device) for name, one in text.items()}
    hidden, mask = model.text_encoder(**said).last_hidden_state, said["attention_mask"]
    if guidance == 1:
        return hidden, mask
    return torch.cat([hidden, torch.zeros_like(hidden)]), torch.cat([mask, torch.zeros_like(mask)])


def _guided(logits: Tensor, prompts: int, guidance: float) -> Tensor:
    """Logits (prompts, codebooks, codes) of those with a prompt and, with guidance, those without one behind them."""
    if guidance == 1:
        return logits
    given, without = logits.split(prompts)
    return without + guidance * (given - without)


def _drawn(logits: Tensor, dice: list[torch.Generator]) -> Tensor:
    """A code for each prompt from the likeliest of its logits (prompts, codes)."""
    best, codes = (logits / TEMPERATURE).topk(min(TOP_K, logits.shape[-1]), dim=-1)
    chosen = torch.stack([torch.multinomial(one, 1, generator=die) for one, die in zip(best.softmax(-1), dice, strict=True)])
    return codes.gather(1, chosen)[:, 0]
