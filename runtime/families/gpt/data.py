"""The GPT's data: pieces in, token files and a fingerprint out; and the sampler, a pure function of seed and counter.

`train.bin`, `valid.bin` and `tunes.bin` hold token ids one after another, each piece after its marker, little-endian
uint16 or uint32. Pieces are split before anything is learnt from them, so no piece stands in both halves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from expc.compiler.contract.families.gpt import Config, Data

from ... import alphatex
from ...errors import UserError
from ...files import read_json, sha256_of, write_json
from .. import Say
from . import tokenizer as bpe

TOKENIZER_FILE = "tokenizer.json"
ABOUT_FILE = "about.json"


def documents(data: Data, workspace: Path, say: Say) -> tuple[list[str], list[str]]:
    """The texts to train on and those held out. Raises UserError where there is nothing to read."""
    if data.source == "folder":
        folder = workspace / str(data.path)
        pieces = alphatex.load_folder(folder)
        say(f"{len(pieces):,} files in {data.path}")
    else:
        count = data.pieces or 0
        say(f"generating {count:,} pieces")
        pieces = [alphatex.Document(f"synthetic {data.seed}/{index}", alphatex.generate_piece(data.seed, index))
                  for index in range(count)]
    train, valid = alphatex.split_by_piece(pieces, data.valid_fraction, data.seed)
    if not train or not valid:
        raise UserError(f"{len(pieces):,} pieces at data.valid_fraction {data.valid_fraction:g} leave {len(train):,} to train "
                        f"on and {len(valid):,} held out; both need some")
    return [one.text for one in train], [one.text for one in valid]


def prepare(config: Config, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes tokenizer and token files into an empty folder; returns their fingerprint."""
    train, valid = documents(config.data, workspace, say)
    say(f"training a tokenizer of {config.model.vocabulary:,} tokens on {len(train):,} pieces")
    tokenizer = bpe.train(train, config.model.vocabulary)
    tokenizer.save(str(folder / TOKENIZER_FILE))
    parts = {"train": train, "valid": valid}
    if config.data.tunes:
        parts["tunes"] = [tune.text for tune in alphatex.tunes()]
    counts = {name: _write(tokenizer, texts, folder / f"{name}.bin") for name, texts in parts.items()}
    if counts["train"] < 2 * config.model.sequence_length + 2:
        raise UserError(f"{counts['train']:,} tokens to train on do not fill two rows of {config.model.sequence_length:,}")
    about = {
        "documents": {name: len(texts) for name, texts in parts.items()},
        "tokens": counts,
        "bytes": {name: sum(len(text.encode()) for text in texts) for name, texts in parts.items()},
        "vocabulary": tokenizer.get_vocab_size(),
        "token_bytes": bpe.token_bytes(tokenizer),
        "unigram_entropy": unigram_entropy(np.fromfile(folder / "train.bin", dtype=token_type(config.model.vocabulary))),
        "tokenizer_sha256": sha256_of(folder / TOKENIZER_FILE),
        "sha256": _hash([folder / f"{name}.bin" for name in parts]),
    }
    write_json(folder / ABOUT_FILE, about)
    say(f"{counts['train']:,} tokens to train on, {counts['valid']:,} held out; "
        f"entropy of single tokens {about['unigram_entropy']:.3f} nats")
    return {key: value for key, value in about.items() if key != "token_bytes"}


def token_type(vocabulary: int) -> np.dtype[Any]:
    """The smallest type that holds every id."""
    return np.dtype("<u2" if vocabulary <= 2**16 else "<u4")


def unigram_entropy(tokens: np.ndarray) -> float:
    """Entropy in nats of the frequencies of single tokens: the loss of the best model that sees no context."""
    counts = np.bincount(tokens)
    shares = counts[counts > 0] / tokens.size
    return float(-(shares * np.log(shares)).sum())


def _write(tokenizer: Tokenizer, texts: Sequence[str], path: Path) -> int:
    kind = token_type(tokenizer.get_vocab_size())
    with path.open("wb") as file:
        for start in range(0, len(texts), 1000):
            for encoding in tokenizer.encode_batch(list(texts[start : start + 1000]), add_special_tokens=False):
                np.asarray([bpe.BEGIN_ID, *encoding.ids], dtype=kind).tofile(file)
    return path.stat().st_size // kind.itemsize


def _hash(paths: Sequence[Path]) -> str:
    return hashlib.sha256("".join(sha256_of(path) for path in paths).encode()).hexdigest()


@dataclass(frozen=True)
class Tokens:
    """One prepared part, and its bytes by token for losses that do not depend on the vocabulary."""

    ids: np.ndarray
    bytes_of: np.ndarray

    def rows(self, starts: np.ndarray, length: int) -> np.ndarray:
        """Rows (len(starts), length + 1) of consecutive tokens as int64."""
        return np.stack([self.ids[start : start + length + 1] for start in starts]).astype(np.int64)


def load(folder: Path, part: str, vocabulary: int) -> Tokens:
    """A prepared part, mapped into memory."""
    about = read_json(folder / ABOUT_FILE)
    return Tokens(np.memmap(folder / f"{part}.bin", dtype=token_type(vocabulary), mode="r"),
                  np.asarray(about["token_bytes"], dtype=np.int64))


class Sampler:
    """Which row the n-th sample of a run is: every row once an epoch, in an order and from an offset of that epoch's own.

    There is no state: position = f(seed, n). Rows are cut every `length` tokens, from an offset that changes with the epoch
    so that the cuts do not always fall on the same notes.
    """

    def __init__(self, tokens: int, length: int, seed: int) -> None:
        self.length, self.seed = length, seed
        self.rows = (tokens - 1 - length) // length
        self._epoch = -1
        self._starts = np.empty(0, dtype=np.int64)

    def starts(self, first: int, count: int) -> np.ndarray:
        """First token of each of the samples `first` to `first + count - 1`, counted from the beginning of training."""
        return np.asarray([self._of_epoch(index // self.rows)[index % self.rows] for index in range(first, first + count)])

    def _of_epoch(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            # Raw words of a bit generator: their stream is the same in every version of numpy, unlike permutation()'s.
            words = np.random.PCG64(np.random.SeedSequence([self.seed, epoch])).random_raw(self.rows + 1)
            offset = int(words[-1] % np.uint64(self.length))
            self._starts = np.argsort(words[:-1], kind="stable") * self.length + offset
            self._epoch = epoch
        return self._starts
