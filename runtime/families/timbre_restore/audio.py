"""Clean excerpts, played by a program or read from files, and what degrades them. Frames are float64 between -1 and 1.

The played notes are synthetic and no instrument: decaying partials, slightly out of tune, with a noisy attack. Everything
random is drawn from the seed and the excerpt's number.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import butter, resample_poly, sosfiltfilt

from expc.compiler.contract.families.timbre_restore import Degradation

from ...errors import UserError

KINDS = (".flac", ".wav")
LOWEST, HIGHEST = 45, 84
"""MIDI numbers of the notes that are played: A2 to C6."""
FULL = 0.8
"""Peak of a played excerpt."""
ORDER = 4
"""Order of the low-pass; run forwards and backwards, it falls twice as steeply."""


def numbers(seed: int, index: int, what: int) -> np.random.Generator:
    """A stream of random numbers for one purpose and one excerpt."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index, what])))


def played(seed: int, index: int, rate: int, frames: int) -> np.ndarray:
    """Synthetic notes (frames): two to five, each held for a part of the excerpt."""
    draw, total = numbers(seed, index, 0), np.zeros(frames)
    for _ in range(int(draw.integers(2, 6))):
        begin = int(draw.integers(0, frames * 3 // 4))
        note = _note(draw, rate, frames - begin)
        total[begin:] += note * draw.uniform(0.3, 1.0)
    return total * (FULL / np.abs(total).max())


def _note(draw: np.random.Generator, rate: int, frames: int) -> np.ndarray:
    """One decaying note (frames): partials of a stiff string, louder ones lower, each with its own decay."""
    time = np.arange(frames) / rate
    pitch = 440.0 * 2 ** ((draw.integers(LOWEST, HIGHEST + 1) - 69) / 12)
    bright, stiff, decay = draw.uniform(0.6, 1.6), draw.uniform(0.0, 3e-4), draw.uniform(1.5, 6.0)
    note = np.zeros(frames)
    for k in range(1, 40):
        partial = pitch * k * np.sqrt(1 + stiff * k * k)
        if partial > 0.45 * rate:
            break
        swing = np.sin(2 * np.pi * (partial * time + draw.uniform()))
        note += k**-bright * np.exp(-decay * (1 + 0.15 * k) * time) * swing
    attack = draw.standard_normal(frames) * np.exp(-time * 150) * 0.3
    return (note + attack) * np.minimum(time * 200, 1)


def files(folder: Path) -> list[Path]:
    """Audio files below a folder, by name. Raises UserError where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS and path.is_file())
    if not found:
        raise UserError(f"no .wav or .flac file below {folder}; put your audio there, or change data.path")
    return found


def frames_of(path: Path, rate: int) -> int:
    """Frames of a file once it has been resampled, from its header. Raises UserError."""
    import soundfile  # here: only folders need the library behind it

    try:
        about = soundfile.info(str(path))
    except (RuntimeError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}); mend it, or take it out of data.path") from error
    ratio = Fraction(rate, about.samplerate)
    return -(-about.frames * ratio.numerator // ratio.denominator)


def read(path: Path, rate: int) -> np.ndarray:
    """A whole file as mono at `rate` Hz (polyphase resampling, which keeps time). Raises UserError."""
    import soundfile

    try:
        signal, theirs = soundfile.read(str(path), always_2d=True)
    except (RuntimeError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}); mend it, or take it out of data.path") from error
    ratio = Fraction(rate, theirs)
    return np.asarray(resample_poly(signal.mean(1), ratio.numerator, ratio.denominator))


def degraded(clean: np.ndarray, rate: int, how: Degradation, draw: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """The excerpt after low-pass, saturation and noise, and the figures that were drawn.

    The low-pass has no phase: one that delays would set every pair apart, and a model would learn the delay. Saturation
    leaves quiet passages as loud as they were.
    """
    figures = {"cutoff": draw.uniform(*how.cutoff), "drive": draw.uniform(*how.drive), "snr": draw.uniform(*how.snr)}
    muffled = sosfiltfilt(butter(ORDER, figures["cutoff"], fs=rate, output="sos"), clean)
    saturated = np.tanh(figures["drive"] * muffled) / figures["drive"]
    noise = draw.standard_normal(len(clean)) * np.sqrt(np.mean(saturated**2)) * 10 ** (-figures["snr"] / 20)
    return saturated + noise, {name: round(float(value), 6) for name, value in figures.items()}
