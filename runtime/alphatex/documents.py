"""Pieces as documents: read a folder of users' own files, and split pieces into training and validation.

Files are `.atex` and `.tex`, found in all folders below, in the order of their names; UTF-8, line endings normalised to
newlines. What cannot be used is an error that names the file and says what to do.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError

SUFFIXES = (".atex", ".tex")


class DocumentError(UserError):
    """A file or folder that cannot be used; the message is meant for the user."""


@dataclass(frozen=True)
class Document:
    """One piece: `name` is its path below the folder, with forward slashes."""

    name: str
    text: str


def load_folder(path: str | Path) -> list[Document]:
    """All pieces below a folder, sorted by name.

    Raises DocumentError when the folder is missing or holds no pieces, and when files are empty or not UTF-8.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DocumentError(f"there is no folder {folder}; data.path must name a folder of .atex or .tex files")
    files = sorted(
        (file.relative_to(folder).as_posix(), file)
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file()
    )
    if not files:
        raise DocumentError(f"{folder} holds no .atex or .tex file; put the pieces there, in folders if you like")
    documents = [Document(name, _read(file)) for name, file in files]
    empty = [document.name for document in documents if not document.text.strip()]
    if empty:
        listed = ", ".join(empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
        raise DocumentError(f"{folder} holds empty files: {listed}; remove them or fill them")
    return documents


def _read(file: Path) -> str:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{file} is not UTF-8 (byte {error.start + 1}); convert it, for instance: iconv -f LATIN1 -t UTF-8"
        raise DocumentError(message) from None
    except OSError as error:
        raise DocumentError(f"{file} cannot be read: {error.strerror}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_by_piece(
    documents: Sequence[Document], valid_fraction: float, seed: int
) -> tuple[list[Document], list[Document]]:
    """Training and validation documents, each in the order given.

    Pieces are chosen by a hash of their content and the seed, so neither names nor order matter; files with equal
    content stay on one side. Of n documents about `valid_fraction` (0 up to, not including, 1) go to validation: at
    least one piece if the fraction is positive, and never all. Raises DocumentError when there are too few pieces.
    """
    contents = [content_of(document.text) for document in documents]
    chosen = held_out(contents, valid_fraction, seed)
    train = [document for document, content in zip(documents, contents, strict=True) if content not in chosen]
    valid = [document for document, content in zip(documents, contents, strict=True) if content in chosen]
    return train, valid


def content_of(text: str) -> str:
    """SHA-256 (hex) of a piece's text, by which equal pieces are known."""
    return hashlib.sha256(text.strip().encode("utf-8")).hexdigest()


def held_out(contents: Sequence[str], valid_fraction: float, seed: int) -> set[str]:
    """Which contents go to validation, as `split_by_piece` says. Raises DocumentError."""
    if not 0 <= valid_fraction < 1:
        raise DocumentError(f"the validation fraction is {valid_fraction}; it must be at least 0 and below 1")
    ranked = sorted(set(contents), key=lambda content: hashlib.sha256(f"{seed} {content}".encode()).hexdigest())
    if valid_fraction > 0 and len(ranked) < 2:
        message = f"{len(ranked)} different pieces cannot be split; bring at least two, or set the fraction to 0"
        raise DocumentError(message)
    copies = Counter(contents)
    wanted = valid_fraction * len(contents)
    chosen: set[str] = set()
    held = 0
    for content in ranked[:-1]:
        if held + 0.5 > wanted and (chosen or valid_fraction == 0):
            break
        chosen.add(content)
        held += copies[content]
    return chosen
