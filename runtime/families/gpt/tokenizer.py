"""Byte-level BPE on alphaTex: training documents in, a `tokenizers` tokenizer of exactly the spec's vocabulary out.

Text is split at bar lines and line ends and nowhere else, so that a merge may span several notes: split at every space,
tab text runs out of pairs after a few hundred tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from ...errors import UserError

BEGIN = "<|bos|>"
BEGIN_ID = 0
STEP = 64
SAMPLE_CHARACTERS = 20_000_000
"""Merges are learnt from about so much text at most: time and memory grow with it, and pairs repeat."""


def train(documents: Sequence[str], vocabulary: int) -> Tokenizer:
    """A tokenizer of exactly `vocabulary` tokens. Raises UserError where the text does not support so many."""
    tokenizer = Tokenizer(models.BPE())
    bars = pre_tokenizers.Split(Regex(r"\||\n"), behavior="merged_with_previous")
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([bars, as_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[BEGIN], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(_sample(documents), trainer)
    real = tokenizer.get_vocab_size()
    if real != vocabulary:
        fitting = real // STEP * STEP
        raise UserError(f"model.vocabulary says {vocabulary:,}, but this data supports {real:,} tokens: write "
                        f"{fitting:,}, or train on more pieces")
    return tokenizer


def _sample(documents: Sequence[str]) -> Sequence[str]:
    """Every k-th document, so that a large collection is represented from its first file to its last."""
    characters = sum(map(len, documents))
    return documents[:: -(-characters // SAMPLE_CHARACTERS) or 1]


def load(path: Path) -> Tokenizer:
    """The tokenizer that preparation saved."""
    return Tokenizer.from_file(str(path))


def spelling(tokenizer: Tokenizer) -> list[str]:
    """Each token's text, one character a byte as byte-level BPE names tokens; a piece's marker has none."""
    names = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return ["" if name == BEGIN else name for name, _ in names]


def token_bytes(tokenizer: Tokenizer) -> list[int]:
    """How many bytes of text each token stands for."""
    return [len(text) for text in spelling(tokenizer)]
