"""The HID vocabulary: what each token id means, and the values that each kind of token can stand for.

Ids count through the contract's `KINDS` in order. Times are on a grid of 12 to a quarter note, which holds sixteenths and
triplets exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from expc.compiler.contract.families.meloformer import KINDS

GRID = 12
"""Grid positions of a quarter note."""
PAD, BEGIN, END = 0, 1, 2
DRUMS = 128
"""The drum kit's value among the instruments; the others are General MIDI programs."""
TEMPOS = tuple(40 + 6 * step for step in range(KINDS["tempo"]))
"""Quarter notes a minute."""
SIGNATURES = ((2, 4), (3, 4), (4, 4), (5, 4), (6, 4), (3, 8), (6, 8), (9, 8), (12, 8))
LENGTHS = (*range(1, 13), 14, 16, 18, 20, 22, 24, 27, 30, 33, 36, 42, 48, 54, 60, 66, 72, 84, 96, 108, 120, 132, 144, 168, 192,
           240)
"""Lengths of notes, in grid positions."""
VELOCITIES = tuple(4 + 8 * step for step in range(KINDS["velocity"]))

NAMES = tuple(KINDS)
FIRST = dict(zip(KINDS, accumulate((0, *KINDS.values())), strict=False))
"""The first id of each kind."""
KIND_OF = np.repeat(np.arange(len(KINDS)), list(KINDS.values()))
"""The place among `NAMES` of each id's kind."""


def token(kind: str, value: int) -> int:
    """The id of a value of a kind, both counted from 0."""
    return FIRST[kind] + value


def meaning(token_id: int) -> tuple[str, int]:
    """The kind of an id and its value."""
    kind = NAMES[KIND_OF[token_id]]
    return kind, token_id - FIRST[kind]


def nearest(values: Sequence[int], wanted: float) -> int:
    """The place of the value nearest to a number; of two as near, the smaller."""
    return min(range(len(values)), key=lambda place: (abs(values[place] - wanted), place))


def bar_length(signature: int) -> int:
    """Grid positions of a bar in the signature of that place."""
    beats, unit = SIGNATURES[signature]
    return beats * 4 * GRID // unit
