"""The GPT's data: pieces in, token files and a fingerprint out.

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
from ...sampling import Sampler, unigram_entropy
from .. import Say
from . import tokenizer as bpe

TOKENIZER_FILE = "tokenizer.json"
ABOUT_FILE = "about.json"
SAY_EVERY = 10_000
FIRST_PIECES = 10
NOTHING = -1
"""Stands where a held-out row has no token left."""


def documents(data: Data, workspace: Path, say: Say) -> tuple[list[str], list[str]]:
    """The texts to train on and those held out. Raises UserError where there is nothing to read or to hold out."""
    try:
        pieces = _pieces(data, workspace, say)
        train, valid = alphatex.split_by_piece(pieces, data.valid_fraction, data.seed)
    except alphatex.DocumentError as error:
        raise UserError(str(error)) from error
    if not train or not valid:
        raise UserError(f"{len(pieces):,} pieces at data.valid_fraction {data.valid_fraction:g} leave {len(train):,} "
                        f"to train on and {len(valid):,} held out; both need some")
    return [one.text for one in train], [one.text for one in valid]


def _pieces(data: Data, workspace: Path, say: Say) -> list[alphatex.Document]:
    if data.source == "folder":
        pieces = alphatex.load_folder(workspace / str(data.path))
        say(f"{len(pieces):,} files in {data.path}")
        return pieces
    count, pieces = data.pieces or 0, []
    for index in range(count):
        if index % SAY_EVERY == 0:
            say(f"generating pieces: {index:,} of {count:,}")
        pieces.append(alphatex.Document(f"synthetic {data.seed}/{index}", alphatex.generate_piece(data.seed, index)))
    return pieces


def texts_sha256(data: Data, workspace: Path) -> str:
    """SHA-256 over the texts, so that neither an edited folder nor another generator passes for what was prepared.

    A generator that has changed shows in its first pieces; the files of a folder are all read. Raises UserError.
    """
    try:
        pieces = (alphatex.load_folder(workspace / str(data.path)) if data.source == "folder" else
                  [alphatex.Document("", alphatex.generate_piece(data.seed, index)) for index in range(FIRST_PIECES)])
    except alphatex.DocumentError as error:
        raise UserError(str(error)) from error
    digest = hashlib.sha256()
    for one in (*pieces, *(alphatex.tunes() if data.tunes else ())):
        digest.update(f"{one.name}\0{one.text}\0".encode())
    return digest.hexdigest()


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
        raise UserError(f"{counts['train']:,} tokens to train on do not fill two rows of "
                        f"{config.model.sequence_length:,}; add pieces or shorten model.sequence_length")
    about = {
        "documents": {name: len(texts) for name, texts in parts.items()},
        "tokens": counts,
        "bytes": {name: sum(len(text.encode()) for text in texts) for name, texts in parts.items()},
        "vocabulary": tokenizer.get_vocab_size(),
        "token_bytes": bpe.token_bytes(tokenizer),
        "unigram_entropy": unigram_entropy(_ids(folder, "train", config.model.vocabulary)),
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
        """Rows (len(starts), length + 1) of consecutive tokens as int64; behind the last token stands `NOTHING`."""
        rows = np.full((len(starts), length + 1), NOTHING, dtype=np.int64)
        for row, start in zip(rows, starts, strict=True):
            taken = self.ids[start : start + length + 1]
            row[: len(taken)] = taken
        return rows


@dataclass(frozen=True)
class Rows:
    """Token rows by the numbers of their samples."""

    tokens: Tokens
    sampler: Sampler

    def __call__(self, first: int, count: int) -> np.ndarray:
        """Rows (count, length + 1) of the samples `first` to `first + count - 1`."""
        return self.tokens.rows(self.sampler.starts(first, count), self.sampler.length)


def load(folder: Path, part: str, vocabulary: int) -> Tokens:
    """A prepared part, mapped into memory."""
    about = read_json(folder / ABOUT_FILE)
    return Tokens(_ids(folder, part, vocabulary), np.asarray(about["token_bytes"], dtype=np.int64))


def _ids(folder: Path, part: str, vocabulary: int) -> np.ndarray:
    return np.memmap(folder / f"{part}.bin", dtype=token_type(vocabulary), mode="r")
