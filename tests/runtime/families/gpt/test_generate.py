"""Generation: the cache is exact, companions in a batch do not matter, and a prompt goes on from its very text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from expc.runtime import alphatex
from expc.runtime.families.gpt import generate
from expc.runtime.families.gpt import tokenizer as bpe
from expc.runtime.families.gpt.generate import GPTGenerator, Sampling, complete
from tests.runtime.families.gpt.tiny import awake

TOKENIZER = bpe.train([alphatex.generate_piece(3, index) for index in range(60)], 320)
PROMPTS = ['\\title "', "| 3.2", "(6.2 1.5).", "| :8 0.3 2.3 5.1 3.1", "24.1."]
PLAIN = bpe.spelling(TOKENIZER)


def generator(**changes: int) -> GPTGenerator:
    return GPTGenerator(awake(**changes), TOKENIZER)


def run(made: GPTGenerator, prompts: Sequence[str], temperature: float = 0.8, new: int = 20,
        seed: int = 1) -> list[str]:
    return made.generate(prompts, new, temperature, seed, lambda done, total: None)


def greedy(prompts: Sequence[Sequence[int]], new: int) -> list[list[int]]:
    return complete(awake(), prompts, new, Sampling(0.0, [0] * len(prompts), PLAIN, [""] * len(prompts)))


@torch.no_grad()
def one_by_one(prompt: Sequence[int], new: int) -> list[int]:
    """The same without cache and batch."""
    model, tokens = awake(), list(prompt)
    while len(tokens) < min(len(prompt) + new, model.model.sequence_length):
        token = int(model(torch.tensor([tokens]))[0, -1].argmax())
        if token == bpe.BEGIN_ID:
            break
        tokens.append(token)
    return tokens[len(prompt) :]


@pytest.mark.parametrize("new", [1, 7, 40])
def test_batched_and_cached_equals_one_by_one(new: int) -> None:
    prompts = [[5, 9, 200], [7], [4, 4, 8, 15, 16, 23, 42], [100, 50]]
    with torch.inference_mode():
        assert greedy(prompts, new) == [one_by_one(prompt, new) for prompt in prompts]


def test_ends_at_the_contexts_end() -> None:
    class Unending(Sampling):
        def choose(self, logits: torch.Tensor) -> torch.Tensor:
            return torch.full((len(logits),), 9)

    with torch.inference_mode():
        rows = complete(awake(), [[1] * 10, [2] * 40], 1000, Unending(0.0, [0, 0], PLAIN, ["", ""]))
    assert [len(row) for row in rows] == [48 - 10 + 1, 48 - 40 + 1]  # the last one is chosen and needs no place


def test_ends_at_the_next_pieces_marker() -> None:
    class Ending(Sampling):
        count = 0

        def choose(self, logits: torch.Tensor) -> torch.Tensor:
            self.count += 1
            return torch.tensor([7, bpe.BEGIN_ID if self.count == 3 else 8])

    with torch.inference_mode():
        rows = complete(awake(), [[1], [2]], 6, Ending(0.0, [0, 0], PLAIN, ["", ""]))
    assert rows == [[7] * 6, [8, 8]]


def test_the_same_call_gives_the_same_texts() -> None:
    assert run(generator(), PROMPTS) == run(generator(), PROMPTS)


def test_companions_in_the_batch_do_not_matter() -> None:
    alone = run(generator(), ["x", "y", PROMPTS[3]])
    among = run(generator(), [PROMPTS[0], PROMPTS[1] * 3, PROMPTS[3], *PROMPTS])
    assert alone[2] == among[2]


def test_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    together = run(generator(), PROMPTS)
    monkeypatch.setattr(generate, "ROWS", 2)
    assert run(generator(), PROMPTS) == together


def test_samples_and_seeds_differ() -> None:
    first, second = run(generator(), ["| 3.2", "| 3.2"])
    assert first != second
    assert run(generator(), ["| 3.2"], seed=2) != [first]


def test_greedy_samples_agree() -> None:
    first, second = run(generator(), ["| 3.2", "| 3.2"], temperature=0)
    assert first == second


@given(st.text(alphabet="\\title |(6.2).\n\u00e9", max_size=30))
def test_what_stands_and_what_is_chosen_anew_spell_the_prompt(prompt: str) -> None:
    encoded = generator()._encode(prompt, 1000)
    spelt = "".join(PLAIN[token] for token in encoded.tokens) + encoded.rest
    assert spelt == "".join(TOKENIZER.encode(prompt, add_special_tokens=False).tokens)
    assert encoded.tokens


def test_nothing_of_the_prompt_comes_out_again() -> None:
    """A model that would write the prompt's last token over and over goes on after it."""
    ids = TOKENIZER.encode("| 5.2 5.2 5.2", add_special_tokens=False).ids
    made = generator()
    with torch.no_grad():
        made.model.head.weight.zero_()
    rest = made._encode("| 5.2 5.2 5.2", 24).rest
    assert rest == "".join(PLAIN[token] for token in ids[-generate.REOPENED :])
    tied = run(made, ["| 5.2 5.2 5.2"], temperature=0, new=12)[0]
    assert not tied.startswith(rest.replace("\u0120", " "))


def test_a_prompt_inside_of_a_token_is_healed() -> None:
    """Training saw `).4`, say, as one token; after a prompt that ends with `)` it may still be chosen."""
    whole = next(index for index, text in enumerate(PLAIN) if len(text) >= 3 and text[0] in PLAIN)
    foreign = next(index for index, text in enumerate(PLAIN) if text and text[0] != PLAIN[whole][0])
    logits = torch.zeros(1, len(PLAIN))
    logits[0, whole], logits[0, foreign] = 5.0, 50.0
    sampling = Sampling(0.0, [0], PLAIN, [PLAIN[whole][0]])
    assert sampling.choose(logits).tolist() == [whole]
    assert sampling.rests == [""]


def test_what_is_left_to_spell_narrows_the_choice_to_the_end() -> None:
    first, second = PLAIN[40], PLAIN[41]
    sampling = Sampling(1.0, [3], PLAIN, [first + second])
    text = ""
    while sampling.rests[0]:
        text += PLAIN[int(sampling.choose(torch.zeros(1, len(PLAIN)))[0])]
    assert text.startswith(first + second)


def test_a_long_prompt_keeps_its_end_and_leaves_room() -> None:
    made = generator()
    long = made._encode("| 3.2 5.1 " * 50, 48 - 24)
    assert 0 < len(long.tokens) <= 24
    assert long.tokens == TOKENIZER.encode("| 3.2 5.1 " * 50).ids[: -generate.REOPENED][-24:]


def test_only_a_prompt_that_opens_a_piece_follows_its_marker() -> None:
    made = generator()
    assert made._encode('\\title "', 24).tokens[0] == bpe.BEGIN_ID
    assert made._encode("", 24).tokens == [bpe.BEGIN_ID]
    assert bpe.BEGIN_ID not in made._encode("| 3.2", 24).tokens


def test_progress_ends_at_the_whole() -> None:
    seen: list[tuple[int, int]] = []
    generator().generate(PROMPTS, 3, 0.8, 1, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)
