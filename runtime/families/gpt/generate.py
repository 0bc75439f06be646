"""Samples from a trained GPT: prompts in, completions out, batched, with a cache of keys and values.

Each completion has random numbers of its own, drawn from the seed and its place in the list, so that it does not depend
on which prompts share its batch. A prompt that opens a piece (it begins with a tag) follows the marker of a piece's
beginning; any other is taken for the middle of one. A completion ends at the next piece's marker, and prompt and
completion together at the context's length; a prompt is cut on its left where it would leave the completion neither its
full length nor half of the context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders
from torch import Tensor

from . import tokenizer as bpe
from .model import GPT

ROWS = 32
"""Prompts completed together."""

REOPENED = 1
"""So many tokens at a prompt's end are chosen anew, from those that spell the same text ("token healing"): a prompt
that stops inside of what training saw as one token (`).` of `).8`) would otherwise meet what never follows it."""


@dataclass(frozen=True)
class Prompt:
    """Tokens that stand (at least one), and the text that the next ones begin with, in byte-level characters."""

    tokens: list[int]
    rest: str


@dataclass
class GPTGenerator:
    """A model in evaluation mode with its tokenizer."""

    model: GPT
    tokenizer: Tokenizer

    @torch.inference_mode()
    def generate(self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int,
                 progress: Callable[[int, int], None]) -> list[str]:
        """A completion for each prompt, without it; at most `max_new_tokens` tokens; temperature 0 is greedy."""
        context = self.model.model.sequence_length
        room = context - min(max_new_tokens, context // 2)
        encoded = [self._encode(prompt, room) for prompt in prompts]
        spelling = bpe.spelling(self.tokenizer)
        order = sorted(range(len(prompts)), key=lambda index: len(encoded[index].tokens))
        texts = [""] * len(prompts)
        for start in range(0, len(order), ROWS):
            chosen = order[start : start + ROWS]
            sampling = Sampling(temperature, [seed * 1_000_003 + index for index in chosen], spelling,
                                [encoded[index].rest for index in chosen])
            written = complete(self.model, [encoded[index].tokens for index in chosen], max_new_tokens, sampling)
            for index, tokens in zip(chosen, written, strict=True):
                spelt = "".join(spelling[token] for token in tokens).removeprefix(encoded[index].rest)
                texts[index] = decoders.ByteLevel().decode([spelt])
            progress(min(start + ROWS, len(order)), len(order))
        return texts

    def _encode(self, prompt: str, room: int) -> Prompt:
        encoding = self.tokenizer.encode(prompt, add_special_tokens=False)
        opens = prompt.startswith("\\") or not encoding.ids
        ids = [bpe.BEGIN_ID, *encoding.ids] if opens else encoding.ids
        reopened = min(REOPENED, len(ids) - 1)
        return Prompt(ids[: len(ids) - reopened][-room:], "".join(encoding.tokens[len(encoding.tokens) - reopened :]))


class Sampling:
    """Chooses next tokens, each row with a random stream of its own (the Gumbel-max trick).

    `spelling` has each token's text; a row whose entry of `rests` is not spelt out yet takes only tokens that spell it.
    """

    def __init__(self, temperature: float, seeds: Sequence[int], spelling: Sequence[str], rests: Sequence[str]) -> None:
        self.temperature, self.spelling, self.rests = temperature, spelling, list(rests)
        self.streams = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]

    def choose(self, logits: Tensor) -> Tensor:
        """Logits (B, V) to token ids (B)."""
        logits = self._allowed(logits)
        if self.temperature > 0:
            uniform = torch.stack([torch.rand(logits.size(-1), generator=stream) for stream in self.streams])
            noise = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7))).to(logits.device)
            logits = logits / self.temperature + noise
        tokens = logits.argmax(-1)
        for row, rest in enumerate(self.rests):
            if rest:
                self.rests[row] = rest[len(self.spelling[int(tokens[row])]) :]
        return tokens

    def _allowed(self, logits: Tensor) -> Tensor:
        if not any(self.rests):
            return logits
        logits = logits.clone()
        for row, rest in enumerate(self.rests):
            if rest:
                fits = [bool(text) and (text.startswith(rest) or rest.startswith(text)) for text in self.spelling]
                logits[row].masked_fill_(~torch.tensor(fits, device=logits.device), -torch.inf)
        return logits


def complete(model: GPT, prompts: Sequence[Sequence[int]], new: int, sampling: Sampling) -> list[list[int]]:
    """At most `new` tokens after each prompt (ids, none empty), up to the next piece's marker or the context's end."""
    device, context = model.head.weight.device, model.model.sequence_length
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    longest = int(lengths.max())
    padded = torch.tensor([[*prompt, *[bpe.BEGIN_ID] * (longest - len(prompt))] for prompt in prompts], device=device)
    slots = torch.arange(longest, device=device)
    real = slots < lengths[:, None]
    causal = slots[:, None] >= slots
    mask = (causal & real[:, None, :])[:, None]
    stream, cache = model.stream(padded, mask=mask, positions=slots.expand(len(prompts), -1))
    token = sampling.choose(model.logits(stream[torch.arange(len(prompts), device=device), lengths - 1]))
    written, ended = [token], token == bpe.BEGIN_ID
    for position in (lengths + count for count in range(new - 1)):
        ended |= position >= context
        if bool(ended.all()):
            break
        real = torch.cat((real, torch.ones(len(prompts), 1, dtype=torch.bool, device=device)), dim=1)
        stream, cache = model.stream(token[:, None], past=cache, mask=real[:, None, None, :],
                                     positions=position.clamp(max=context - 1)[:, None])
        token = sampling.choose(model.logits(stream[:, -1])).masked_fill(ended, bpe.BEGIN_ID)
        ended |= token == bpe.BEGIN_ID
        written.append(token)
    rows = torch.stack(written, dim=1).tolist()
    return [row[: row.index(bpe.BEGIN_ID)] if bpe.BEGIN_ID in row else row for row in rows]
