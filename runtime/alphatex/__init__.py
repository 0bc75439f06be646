"""alphaTex, the text notation for guitar music: a generator, a checker, tunes, and a loader of users' own files.

`generate_piece(seed, index)` writes a piece; `chunk_piece` cuts a long one into pieces that stand alone; `check(text)`
lists what is wrong with one and `validity(text)` scores what a model wrote; `tunes()` gives the public-domain tunes;
`load_folder` and `split_by_piece` turn files into documents. Standard library only.
"""

from .checker import STRICTER, Validity, check, validity
from .chunks import chunk_piece
from .collection import tunes
from .documents import Document, DocumentError, content_of, held_out, load_folder, split_by_piece
from .lexer import Problem
from .piece import generate_piece

__all__ = [
    "STRICTER",
    "Document",
    "DocumentError",
    "Problem",
    "Validity",
    "check",
    "chunk_piece",
    "content_of",
    "generate_piece",
    "held_out",
    "load_folder",
    "split_by_piece",
    "tunes",
    "validity",
]
