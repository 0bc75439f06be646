"""Three generated styles of short music: a style's name, a seed and an index in, sound and its prompt out.

Two of them are what the generated base is trained on; the third is new to it and what adapters learn. No two sound alike:
register, tempo, waveform and the way that notes die away all differ. The two have rests, so that the base knows silence as a
real one does; the third sounds to its end, so that silence in what an adapted model makes is not the style's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

SCALE = np.asarray([0, 2, 4, 7, 9])
"""Semitones of a pentatonic octave, which no random order of notes makes sound wrong."""


@dataclass(frozen=True)
class Style:
    """`low` is the lowest note as a MIDI number; `length` of a note in seconds; partials fall as 1 / n^`dark`; `decay` in
    1/s; `rests` is the share of notes that are none."""

    prompt: str
    low: int
    length: float
    odd: bool
    dark: float
    decay: float
    rests: float


STYLES = {
    "bass": Style("slow round bass notes", 36, 0.4, False, 2.0, 1.0, 0.2),
    "bells": Style("bright bells ringing out", 72, 0.2, False, 0.7, 3.0, 0.2),
    "arpeggio": Style("a fast square arpeggio", 55, 0.16, True, 1.0, 0.5, 0.0),
}
SHOWN, NEW = ("bass", "bells"), "arpeggio"
PARTIALS, HIGHEST = 8, 0.45


def clip(name: str, seed: int, index: int, seconds: float, rate: int) -> np.ndarray:
    """Sound (samples,) in -1 to 1 as float32: notes of one key, the arpeggio's rising in order, the others' at random."""
    style = STYLES[name]
    dice = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, list(STYLES).index(name), index])))
    root, length = style.low + int(dice.integers(0, 7)), round(rate * style.length)
    sound = np.zeros(round(seconds * rate), dtype=np.float32)
    for number, start in enumerate(range(0, len(sound), length)):
        degree = number % (2 * len(SCALE)) if style.odd else int(dice.integers(0, 2 * len(SCALE)))
        pitch = root + 12 * (degree // len(SCALE)) + SCALE[degree % len(SCALE)]
        end = min(start + length, len(sound))
        if dice.random() < style.rests:
            continue
        sound[start:end] = _note(style, 440 * 2 ** ((pitch - 69) / 12), np.arange(end - start) / rate, rate)
    return sound * np.float32(0.8)


def sha256(seed: int, seconds: float, rate: int) -> str:
    """SHA-256 over the first clip of each style, so that another generator does not pass for the one that made some data."""
    return hashlib.sha256(b"".join(clip(name, seed, 0, seconds, rate).tobytes() for name in STYLES)).hexdigest()


def _note(style: Style, frequency: float, time: np.ndarray, rate: int) -> np.ndarray:
    """One note over `time` in seconds; no partial reaches half the sample rate, and a note that would is octaves lower."""
    while frequency >= HIGHEST * rate:
        frequency /= 2
    numbers = [n for n in range(1, PARTIALS + 1) if n * frequency < HIGHEST * rate and not (style.odd and n % 2 == 0)]
    wave = sum((n**-style.dark * np.sin(2 * np.pi * n * frequency * time) for n in numbers), np.zeros_like(time))
    attack = np.minimum(time / 0.005, 1)
    return np.asarray(wave / sum(n**-style.dark for n in numbers) * attack * np.exp(-style.decay * time))
