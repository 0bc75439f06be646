"""The MeloFormer's data: songs in, token files and a fingerprint out.

`train.bin` and `valid.bin` hold token ids one after another, little-endian uint16, each piece from its BEGIN to its END.
Pieces are split before anything is cut, so no piece stands in both halves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from expc.compiler.contract.families.meloformer import KINDS, Config, Data

from ...alphatex import content_of, held_out
from ...alphatex.documents import DocumentError
from ...errors import UserError
from ...files import sha256_of
from ...midi import encoding, files, synthetic
from ...midi.vocabulary import BEGIN, KIND_OF, NAMES
from ...sampling import Sampler, unigram_entropy
from .. import Say
from .mask import bars_of
from .model import NOTHING

TYPE = np.dtype("<u2")
CHORD = NAMES.index("chord")
SAY_EVERY = 1000
AT_ONCE = 64
"""Rows whose bars are counted together."""
SHOWN = 5
"""So many files that cannot be read are named."""


def source_sha256(data: Data, workspace: Path) -> str:
    """SHA-256 over the source, so that neither an edited folder nor another generator passes for what was prepared."""
    digest = hashlib.sha256(f"{synthetic.GENERATOR} {KINDS}".encode())
    if data.source == "folder":
        folder = workspace / str(data.path)
        for path in files.midi_files(folder):
            digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\0".encode())
    return digest.hexdigest()


def prepare(config: Config, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes the token files into an empty folder; returns their fingerprint. Raises UserError."""
    pieces, contents = list[np.ndarray](), list[str]()  # two bytes a token: a large library has hundreds of millions
    for piece in _pieces(config.data, workspace, say):
        pieces.append(np.asarray(piece, dtype=TYPE))
        contents.append(content_of(" ".join(map(str, piece))))
    parts = dict(zip(("train", "valid"), _split(pieces, contents, config.data), strict=True))
    for name, chosen in parts.items():
        with (folder / f"{name}.bin").open("wb") as file:
            for one in chosen:
                one.tofile(file)
    counts = {name: sum(map(len, chosen)) for name, chosen in parts.items()}
    _enough(config, counts["train"])
    train = load(folder, "train")
    say(f"{counts['train']:,} tokens to train on, {counts['valid']:,} held out, in {len(pieces):,} pieces; "
        f"an epoch has {rows_of(config, counts['train']):,} rows")
    unseen = _without_summary(train, config)
    if unseen:
        say(f"{unseen:.1%} of the tokens stand behind the first {config.model.bars:,} bars of their row and are not summarised")
    return {"pieces": {name: len(chosen) for name, chosen in parts.items()}, "tokens": counts,
            "rows": rows_of(config, counts["train"]), "unsummarised": unseen, "unigram_entropy": unigram_entropy(train),
            "sha256": hashlib.sha256("".join(sha256_of(folder / f"{name}.bin") for name in parts).encode()).hexdigest()}


def _pieces(data: Data, workspace: Path, say: Say) -> Iterator[list[int]]:
    if data.source == "folder":
        yield from _of_folder(workspace / str(data.path), say)
        return
    for index in range(data.pieces or 0):
        if index % SAY_EVERY == 0:
            say(f"generating pieces: {index:,} of {data.pieces:,}")
        yield encoding.encode(synthetic.generate(data.seed, index))


def _of_folder(folder: Path, say: Say) -> Iterator[list[int]]:
    """Every file that can be read; what cannot is counted and named."""
    found = files.midi_files(folder)
    if not found:
        raise UserError(f"{folder} holds no .mid or .midi file; put your files there, in folders if you like, or change "
                        "data.path")
    refused = []
    for index, path in enumerate(found):
        if index % SAY_EVERY == 0:
            say(f"reading MIDI: {index:,} of {len(found):,}")
        try:
            yield encoding.encode(files.read(path))
        except files.Unreadable as error:
            refused.append(f"{path.relative_to(folder)}: {error}")
    if refused:
        more = f"; and {len(refused) - SHOWN:,} more" if len(refused) > SHOWN else ""
        say(f"{len(refused):,} of {len(found):,} files are left out: {'; '.join(refused[:SHOWN])}{more}")


def _split(pieces: Sequence[np.ndarray], contents: Sequence[str], data: Data) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pieces to train on and held-out ones; those of equal content stay on one side."""
    try:
        chosen = held_out(contents, data.valid_fraction, data.seed)
    except DocumentError as error:
        raise UserError(str(error)) from error
    train, valid = ([piece for piece, content in zip(pieces, contents, strict=True) if (content in chosen) == is_held]
                    for is_held in (False, True))
    if not train or not valid:
        raise UserError(f"{len(pieces):,} pieces at data.valid_fraction {data.valid_fraction:g} leave {len(train):,} to train "
                        f"on and {len(valid):,} held out; both need some")
    return train, valid


def rows_of(config: Config, tokens: int) -> int:
    """Rows of one epoch."""
    return Sampler(tokens, config.model.sequence_length, 0).rows


def _enough(config: Config, tokens: int) -> None:
    """Raises UserError where the data fill no row, or another number of rows than the spec counts its epochs by."""
    rows = rows_of(config, tokens)
    if rows < 1:
        raise UserError(f"{tokens:,} tokens to train on do not fill two rows of {config.model.sequence_length:,}; add music or "
                        "shorten model.sequence_length")
    if config.data.rows not in (None, rows):
        raise UserError(f"an epoch of this data has {rows:,} rows, not the {config.data.rows:,} that the spec counts its "
                        f"epochs by; set data.rows: {rows}")


def _without_summary(ids: np.ndarray, config: Config) -> float:
    """Share of the tokens that stand behind the summarised bars when rows are cut from the beginning."""
    length = config.model.sequence_length
    rows = ids[: len(ids) // length * length].reshape(-1, length)
    behind = sum(int((bars_of(torch.from_numpy(rows[at:at + AT_ONCE].astype(np.int64)))[1] >= config.model.bars).sum())
                 for at in range(0, len(rows), AT_ONCE))
    return behind / rows.size if rows.size else 0.0


def load(folder: Path, part: str) -> np.ndarray:
    """The token ids of a prepared part, mapped into memory."""
    return np.memmap(folder / f"{part}.bin", dtype=TYPE, mode="r")


def cut(ids: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Rows (len(starts), length + 1) of consecutive tokens as int64; behind the last token stands `NOTHING`."""
    rows = np.full((len(starts), length + 1), NOTHING, dtype=np.int64)
    for row, start in zip(rows, starts, strict=True):
        taken = ids[start : start + length + 1]
        row[: len(taken)] = taken
    return rows


def pieces_of(ids: np.ndarray, length: int) -> np.ndarray:
    """The whole pieces of a part as rows (pieces, length + 1), each cut or filled up to that length."""
    starts = np.flatnonzero(ids == BEGIN)
    rows = cut(ids, starts, length)
    for row, size in zip(rows, np.diff([*starts, len(ids)]), strict=True):
        row[size:] = NOTHING
    return rows


def bar_numbers(rows: torch.Tensor) -> torch.Tensor:
    """The bar that each token of rows of one piece belongs to, from 0."""
    return (torch.as_tensor(KIND_OF == CHORD)[rows.clamp(min=0)] & (rows >= 0)).cumsum(1) - 1


@dataclass(frozen=True)
class Rows:
    """Token rows by the numbers of their samples."""

    ids: np.ndarray
    sampler: Sampler

    def __call__(self, first: int, count: int) -> np.ndarray:
        """Rows (count, length + 1) of the samples `first` to `first + count - 1`."""
        return cut(self.ids, self.sampler.starts(first, count), self.sampler.length)
