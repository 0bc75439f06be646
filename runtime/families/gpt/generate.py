"""Samples from a trained GPT: prompts in, completions out, batched, with a cache of keys and values.

Each completion has random numbers of its own, drawn from the seed and its place in the list, so that it does not depend on
which prompts share its batch. A prompt that opens a piece (it begins with a tag) follows the marker of a piece's beginning;
any other is taken for the middle of one. Prompt and completion together stay within the context: of a longer prompt, the
last part counts. A completion ends at the next piece's marker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import tokenizer as bpe
from .model import GPT

ROWS = 32
"""Prompts completed together."""


@dataclass
class GPTGenerator:
    """A model in evaluation mode with its tokenizer."""

    model: GPT
    tokenizer: Tokenizer

    @torch.inference_mode()
    def generate(self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int,
                 progress: Callable[[int, int], None]) -> list[str]:
        """A completion for each prompt, without it; at most `max_new_tokens` tokens; temperature 0 is greedy."""
        room = self.model.model.sequence_length
        new = min(max_new_tokens, room - 1)
        encoded = [self._encode(prompt)[-(room - new):] for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda index: len(encoded[index]))
        texts = [""] * len(prompts)
        for start in range(0, len(order), ROWS):
            chosen = order[start : start + ROWS]
            sampling = Sampling(temperature, [seed * 1_000_003 + index for index in chosen])
            for index, tokens in zip(chosen, complete(self.model, [encoded[i] for i in chosen], new, sampling), strict=True):
                texts[index] = self.tokenizer.decode(tokens, skip_special_tokens=False)
            progress(min(start + ROWS, len(order)), len(order))
        return texts

    def _encode(self, prompt: str) -> list[int]:
        ids = self.tokenizer.encode(prompt, add_special_tokens=False).ids
        opens = prompt.startswith("\\") or not ids
        return [bpe.BEGIN_ID, *ids] if opens else ids


class Sampling:
    """Chooses next tokens, each row with a random stream of its own (the Gumbel-max trick)."""

    def __init__(self, temperature: float, seeds: Sequence[int]) -> None:
        self.temperature = temperature
        self.streams = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]

    def choose(self, logits: Tensor) -> Tensor:
        """Logits (B, V) to token ids (B)."""
        if self.temperature == 0:
            return logits.argmax(-1)
        uniform = torch.stack([torch.rand(logits.size(-1), generator=stream) for stream in self.streams]).to(logits.device)
        noise = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))
        return (logits / self.temperature + noise).argmax(-1)


def complete(model: GPT, prompts: Sequence[Sequence[int]], new: int, sampling: Sampling) -> list[list[int]]:
    """At most `new` tokens after each prompt (token ids, none empty), up to the next piece's marker."""
    device = model.head.weight.device
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    longest = int(lengths.max())
    padded = torch.tensor([[*prompt, *[bpe.BEGIN_ID] * (longest - len(prompt))] for prompt in prompts], device=device)
    slots = torch.arange(longest, device=device)
    real = slots < lengths[:, None]
    causal = slots[:, None] >= slots
    mask = (causal & real[:, None, :])[:, None]
    stream, cache = model.stream(padded, mask=mask, positions=slots.expand(len(prompts), -1))
    last = stream[torch.arange(len(prompts), device=device), lengths - 1]
    token = sampling.choose(model.logits(last))
    written, ended = [token], token == bpe.BEGIN_ID
    for count in range(1, new):
        if bool(ended.all()):
            break
        real = torch.cat((real, torch.ones(len(prompts), 1, dtype=torch.bool, device=device)), dim=1)
        stream, cache = model.stream(token[:, None], past=cache, mask=real[:, None, None, :],
                                     positions=(lengths + count - 1)[:, None])
        token = sampling.choose(model.logits(stream[:, -1]))
        ended |= token == bpe.BEGIN_ID
        written.append(token)
    rows = torch.stack(written, dim=1).tolist()
    return [row[: row.index(bpe.BEGIN_ID)] if bpe.BEGIN_ID in row else row for row in rows]
