"""Figures of songs whose values can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from expc.runtime.families.meloformer import listening
from expc.runtime.midi.song import Bar, Note, Song
from expc.runtime.midi.vocabulary import DRUMS


def song(*bars: tuple[int, ...], instrument: int = 0) -> Song:
    """A song in 4/4 whose bars have one note a beat, of these pitches."""
    notes = tuple(Note(48 * bar + 12 * beat, pitch, 0, 0) for bar, pitches in enumerate(bars)
                  for beat, pitch in enumerate(pitches))
    return Song(tuple(Bar(48 * bar, 2, 0) for bar in range(len(bars))), {instrument: notes})


def test_entropy_is_that_of_the_classes_in_a_bar() -> None:
    assert listening.bar_entropies([song((60, 60, 72, 48), (60, 62, 64, 65))]) == [0.0, 2.0]


def test_drums_have_no_pitch() -> None:
    assert listening.bar_entropies([song((36, 38), instrument=DRUMS)]) == []


def test_divergence_is_one_bit_where_nothing_is_shared() -> None:
    one, other = np.eye(12)[0], np.eye(12)[5]
    assert listening.divergence(one, one) == 0.0 and math.isclose(listening.divergence(one, other), 1.0)


def test_groove_counts_the_positions_that_agree() -> None:
    assert listening.grooves([song((60, 62), (65, 67))]) == [1.0]
    assert listening.grooves([song((60, 62), (65,))]) == pytest.approx([47 / 48])
    assert listening.grooves([song((60,), ())]) == []


def test_what_cannot_be_measured_is_left_out() -> None:
    assert listening.features([], np.ones(12)) == {}
    assert listening.features([song((60, 62, 64))], np.ones(12))["note_density"] == 3.0
