"""Which chord a bar is in: how long each pitch class sounds in, the best of 84 chords or none out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .song import Note

QUALITIES = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8),
             "seventh": (0, 4, 7, 10), "major_seventh": (0, 4, 7, 11), "minor_seventh": (0, 3, 7, 10)}
NO_CHORD = 12 * len(QUALITIES)


def _templates() -> np.ndarray:
    """(84, 12): each chord's tones, root by root within a quality, as unit vectors."""
    rows = np.zeros((NO_CHORD, 12))
    for place, tones in enumerate(QUALITIES.values()):
        for root in range(12):
            rows[12 * place + root, [(root + tone) % 12 for tone in tones]] = len(tones) ** -0.5
    return rows


TEMPLATES = _templates()


def chord_of(notes: Iterable[Note]) -> int:
    """The chord whose tones are most like the pitch classes that sound, weighed by duration (cosine; Fujishima 1999).

    Of equally good ones the first, so that a triad goes before its seventh chord. Without notes, `NO_CHORD`.
    """
    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += note.duration
    if not weights.any():
        return NO_CHORD
    return int(np.argmax((TEMPLATES @ weights).round(9)))
