"""The residual codec: silence has a code of its own, sounds come back, and the styles are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from expc.runtime.families.musicgen_lora import codec, styles
from expc.runtime.families.musicgen_lora.evaluation import envelope

RATE, HOP = 4000, 160


@pytest.fixture(scope="module")
def made() -> codec.Codec:
    return codec.fit([styles.clip(name, 1, index, 1.0, RATE) for name in styles.STYLES for index in range(8)], HOP, 4, 32, 1)


def test_silence_is_the_first_code_of_every_book(made: codec.Codec) -> None:
    assert made.encode(np.zeros(5 * HOP, dtype=np.float32)).tolist() == [[0, 0, 0, 0]] * 5
    assert np.abs(made.decode(np.zeros((5, 4), dtype=np.int64))).max() < 1e-5


def test_sounds_come_back_as_loud_as_they_were(made: codec.Codec) -> None:
    """Of clips that it was not fitted on, some of them softer than others."""
    sounds = [styles.clip("arpeggio", 1, index, 1.0, RATE) for index in range(20, 40)]
    heard = [made.decode(made.encode(sound)) for sound in sounds]
    assert all(len(again) == len(sound) for again, sound in zip(heard, sounds, strict=True))
    louder = [20 * np.log10(np.std(again) / np.std(sound)) for again, sound in zip(heard, sounds, strict=True)]
    fades = [envelope(again, RATE)["fade"] - envelope(sound, RATE)["fade"] for again, sound in zip(heard, sounds, strict=True)]
    assert abs(np.mean(louder)) < 1.5 and np.std(louder) < 3
    assert abs(np.mean(fades)) < 2


def test_every_further_codebook_leaves_less_over(made: codec.Codec) -> None:
    rest = codec.features(styles.clip("bells", 1, 0, 1.0, RATE), HOP)
    left = [float(rest.square().mean())]
    for book, codes in zip(made.books, torch.from_numpy(made.encode(styles.clip("bells", 1, 0, 1.0, RATE))).T, strict=True):
        rest = rest - book[codes]
        left.append(float(rest.square().mean()))
    assert left == sorted(left, reverse=True) and left[-1] < 0.1 * left[0]


def test_clips_depend_on_style_seed_and_number_alone() -> None:
    one, again = (styles.clip("bass", 1, 3, 1.0, RATE) for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, styles.clip("bass", 1, 4, 1.0, RATE))
    assert not np.array_equal(one, styles.clip("bass", 2, 3, 1.0, RATE))


def test_fading_and_silence_are_measured() -> None:
    steady, half = np.ones(RATE, dtype=np.float32) * 0.5, np.ones(RATE, dtype=np.float32) * 0.5
    half[RATE // 2 :] = 0
    falling = steady * 10 ** (-np.linspace(0, 1, RATE) * 20 / 20)
    assert envelope(steady, RATE) == {"fade": 0.0, "silence": 0.0}
    assert envelope(half, RATE)["silence"] == 0.5
    assert envelope(falling, RATE)["fade"] == pytest.approx(-19, abs=0.5)
