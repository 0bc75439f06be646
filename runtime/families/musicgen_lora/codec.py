"""A small residual k-means codec: sound in, codes out, and back. It stands in for EnCodec where no weights can be had.

Each frame's log magnitudes are quantized by one codebook after another, each on what those before it left over, as in the
residual vector quantizers of Zeghidour et al. 2021 (SoundStream). Phases are guessed on the way back (Griffin and Lim 1984).
A random EnCodec would give one code for everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

FLOOR = 0.5
"""Added to magnitudes before their logarithm, so that what nobody hears takes no codes; a loud partial has about 100."""
ROUNDS, PHASE_ROUNDS = 12, 24
MOST_FRAMES = 8_000


@dataclass(frozen=True)
class Codec:
    """`books` (codebooks, codes, bins) are centres in log magnitudes; `hop` is samples a frame."""

    books: Tensor
    hop: int

    @property
    def window(self) -> int:
        """Samples of a frame's transform."""
        return 2 * self.hop

    def encode(self, sound: np.ndarray) -> np.ndarray:
        """Codes (frames, codebooks) of sound (samples,)."""
        return np.asarray(_quantized(features(sound, self.hop), self.books), dtype=np.int64)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Sound (samples,) of codes (frames, codebooks)."""
        ids = torch.from_numpy(np.asarray(codes, dtype=np.int64))
        logs = sum((book[ids[:, index]] for index, book in enumerate(self.books)), torch.zeros(()))
        magnitude = (logs.exp() - FLOOR).clamp(min=0)[[*range(len(codes)), -1]].T  # the end needs a frame behind it
        length, frame = len(codes) * self.hop, torch.hann_window(self.window)
        phase = torch.zeros_like(magnitude)
        for _ in range(PHASE_ROUNDS):
            sound = torch.istft(torch.polar(magnitude, phase), self.window, self.hop, window=frame, length=length)
            phase = torch.stft(sound, self.window, self.hop, window=frame, return_complex=True).angle()
        return np.asarray(sound.numpy(), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Into a safetensors file."""
        save_file({"books": self.books.contiguous(), "hop": torch.tensor(self.hop)}, str(path))


def load(path: Path) -> Codec:
    """The codec that was saved there."""
    saved = load_file(str(path))
    return Codec(saved["books"], int(saved["hop"]))


def features(sound: np.ndarray, hop: int) -> Tensor:
    """Log magnitudes (frames, bins), one frame every `hop` samples."""
    spectrum = torch.stft(torch.from_numpy(np.ascontiguousarray(sound, dtype=np.float32)), 2 * hop, hop,
                          window=torch.hann_window(2 * hop), return_complex=True)
    return (spectrum.abs() + FLOOR).log()[:, : len(sound) // hop].T


def fit(sounds: list[np.ndarray], hop: int, codebooks: int, codes: int, seed: int) -> Codec:
    """Codebooks by k-means on the frames of some sounds; the first code of the first book is silence."""
    dice = torch.Generator().manual_seed(seed)
    frames = torch.cat([features(sound, hop) for sound in sounds])
    frames = frames[torch.randperm(len(frames), generator=dice)[:MOST_FRAMES]]
    silence, rest, books = features(np.zeros(4 * hop, dtype=np.float32), hop)[1], frames, []
    for index in range(codebooks):
        book = _centres(rest, codes, dice)
        book[0] = silence if index == 0 else 0.0  # silence is exactly (0, 0, ...), whatever the k-means found
        rest = rest - book[_nearest(rest, book)]
        books.append(book)
    return Codec(torch.stack(books), hop)


def _quantized(rest: Tensor, books: Tensor) -> Tensor:
    found = []
    for book in books:
        nearest = _nearest(rest, book)
        rest = rest - book[nearest]
        found.append(nearest)
    return torch.stack(found, dim=1)


def _nearest(points: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(points, centres).argmin(dim=1)


def _centres(points: Tensor, count: int, dice: torch.Generator) -> Tensor:
    """Lloyd's iterations from random points; a centre that lost all its points stays where it was."""
    centres = points[torch.randint(len(points), (count,), generator=dice)].clone()
    for _ in range(ROUNDS):
        nearest = _nearest(points, centres)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=count)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return centres
