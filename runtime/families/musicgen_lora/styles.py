"""Three generated styles of short music: a style's name, a seed and an index in, sound and its prompt out.

Two of them are what the generated base is trained on; the third is new to it and what adapters learn. No two sound alike:
register, tempo, waveform and the way that notes die away all differ. The two have rests, so that the base knows silence as a
real one does; the third sounds to its end, so that silence in what an adapted model makes is not the style's.

Within a style each clip has a key, a tuning, a tempo, an order of notes, a level, a brightness and a decay of its own, and
begins somewhere within a note, so that what is held out is music that nobody has trained on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

SCALE = np.asarray([0, 2, 4, 7, 9])
"""Semitones of a pentatonic octave, which no random order of notes makes sound wrong."""
DEGREES = 2 * len(SCALE)
STEPS = (1, 3, DEGREES - 3, DEGREES - 1)
"""Degrees from note to note of an arpeggio, upwards and downwards; with each of them it reaches every degree."""
KEYS, TUNING = 12, 0.25
"""Semitones that the lowest note is raised by at most, and that a clip is out of tune by at most."""
TEMPO, DECAY, DARK = 0.25, 0.5, 0.2
"""How far a clip's tempo and decay lie from the style's, in octaves at most, and its brightness, as an exponent."""
LOUDEST, SOFTER_CLIP, SOFTER_NOTE, LATE = 0.8, 6.0, 3.0, 0.05
"""Peak of the loudest clip; dB that a clip, and a note in it, may be softer; the share of a note by which it may be late."""
PARTIALS, HIGHEST = 8, 0.45


@dataclass(frozen=True)
class Style:
    """`low` is the lowest note of the lowest key as a MIDI number; `length` of a note in seconds; partials fall as
    1 / n^`dark`; `decay` in 1/s; `rests` is the share of notes that are none."""

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


def clip(name: str, seed: int, index: int, seconds: float, rate: int) -> np.ndarray:
    """Sound (samples,) in -1 to 1 as float32: notes of one key, the arpeggio's in order, the others' at random.

    Drawn from raw words of a bit generator, whose stream for these seeds is the same in every version of numpy.
    """
    style, bits = STYLES[name], np.random.PCG64(np.random.SeedSequence([seed, list(STYLES).index(name), index]))
    key, tuning, tempo, decay, dark, level, begun, first, step = _uniform(bits, 9)
    length = rate * style.length * 2 ** (TEMPO * (2 * tempo - 1))
    lowest = style.low + int(KEYS * key) + TUNING * (2 * tuning - 1)
    loud = LOUDEST * 10 ** (-SOFTER_CLIP * level / 20)
    sound = np.zeros(round(seconds * rate), dtype=np.float32)
    starts = np.arange(-begun * length, len(sound), length)
    for number, (start, (pitch, rest, soft, late)) in enumerate(
            zip(starts, _uniform(bits, 4 * len(starts)).reshape(-1, 4), strict=True)):
        degree = int(DEGREES * first) + number * STEPS[int(len(STEPS) * step)] if style.odd else int(DEGREES * pitch)
        if rest < style.rests:
            continue
        octave, place = divmod(degree % DEGREES, len(SCALE))
        # A late note begins late, but none is cut short: the one before it lasts until it does.
        frequency = 440 * 2 ** ((lowest + 12 * octave + SCALE[place] - 69) / 12)
        begin, end = start + LATE * length * late, min(start + length * (1 + LATE), len(sound))
        where = np.arange(max(0, int(np.ceil(begin))), int(end))
        wave = _note(style, frequency, (where - begin) / rate, rate, style.dark + DARK * (2 * dark - 1),
                     style.decay * 2 ** (DECAY * (2 * decay - 1)))
        sound[where] = loud * 10 ** (-SOFTER_NOTE * soft / 20) * wave
    return sound


def sha256(seed: int, seconds: float, rate: int) -> str:
    """SHA-256 over the first clip of each style, so that another generator does not pass for the one that made some data."""
    return hashlib.sha256(b"".join(clip(name, seed, 0, seconds, rate).tobytes() for name in STYLES)).hexdigest()


def _uniform(bits: np.random.PCG64, count: int) -> np.ndarray:
    """So many numbers in [0, 1) from the 53 highest bits of words."""
    return np.asarray((bits.random_raw(count) >> np.uint64(11)) * 2.0**-53)


def _note(style: Style, frequency: float, time: np.ndarray, rate: int, dark: float, decay: float) -> np.ndarray:
    """One note over `time` in seconds; no partial reaches half the sample rate, and a note that would is octaves lower."""
    while frequency >= HIGHEST * rate:
        frequency /= 2
    numbers = [n for n in range(1, PARTIALS + 1) if n * frequency < HIGHEST * rate and not (style.odd and n % 2 == 0)]
    wave = sum((n**-dark * np.sin(2 * np.pi * n * frequency * time) for n in numbers), np.zeros_like(time))
    attack = np.minimum(time / 0.005, 1)
    return np.asarray(wave / sum(n**-dark for n in numbers) * attack * np.exp(-decay * time))
