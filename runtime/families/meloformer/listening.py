"""What can be measured of songs as music: pitch classes, groove and density, of songs alone; no model is asked.

The entropy of pitch classes and groove consistency are those of the Jazz Transformer (Wu & Yang 2020, sections 5.1 and 5.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ...midi.song import Bar, Song
from ...midi.vocabulary import DRUMS


def pitch_classes(songs: Iterable[Song]) -> np.ndarray:
    """(12,): how many notes have each pitch class, drums left out."""
    counts = np.zeros(12)
    for song in songs:
        for instrument, notes in song.tracks.items():
            for note in notes if instrument != DRUMS else ():
                counts[note.pitch % 12] += 1
    return counts


def bar_entropies(songs: Iterable[Song]) -> list[float]:
    """Entropy in bits of the pitch classes of each bar that has any: 0 for one class alone, 3.58 for all alike."""
    found = []
    for song in songs:
        for bar in song.bars:
            counts = pitch_classes([Song((bar,), song.in_bar(bar))])
            if counts.any():
                found.append(_entropy(counts / counts.sum()))
    return found


def _entropy(shares: np.ndarray) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log2(positive)).sum()) + 0.0


def divergence(one: np.ndarray, other: np.ndarray) -> float:
    """Jensen-Shannon divergence of two histograms, in bits: 0 where their shares are equal, at most 1 (Lin 1991)."""
    one, other = one / one.sum(), other / other.sum()
    return max(_entropy((one + other) / 2) - (_entropy(one) + _entropy(other)) / 2, 0.0)


def grooves(songs: Iterable[Song]) -> list[float]:
    """For each two bars of one length that follow one another with notes in both: the share of grid positions at which both
    have an onset or neither has."""
    found = []
    for song in songs:
        onsets = [_onsets(song, bar) for bar in song.bars]
        found += [float((one == other).mean()) for one, other in zip(onsets, onsets[1:], strict=False)
                  if len(one) == len(other) and one.any() and other.any()]
    return found


def _onsets(song: Song, bar: Bar) -> np.ndarray:
    there = np.zeros(bar.length, dtype=bool)
    for notes in song.in_bar(bar).values():
        there[[note.start - bar.start for note in notes]] = True
    return there


def density(songs: Sequence[Song]) -> float | None:
    """Notes a bar; None where there is no bar."""
    bars = sum(len(song.bars) for song in songs)
    return sum(len(notes) for song in songs for notes in song.tracks.values()) / bars if bars else None


def features(songs: Sequence[Song], data: np.ndarray) -> dict[str, float]:
    """What is known of songs, against the pitch classes of the data; what they are too poor for is left out."""
    classes, entropies, groove, notes = pitch_classes(songs), bar_entropies(songs), grooves(songs), density(songs)
    measured = {"pitch_class_entropy": float(np.mean(entropies)) if entropies else None,
                "pitch_class_distance": divergence(classes, data) if classes.any() and data.any() else None,
                "groove_consistency": float(np.mean(groove)) if groove else None, "note_density": notes}
    return {name: value for name, value in measured.items() if value is not None}
