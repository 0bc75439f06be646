"""The glyph VAE's data: fonts in, arrays and a fingerprint out; and the order of samples, a pure function of seed and counter.

`<part>_commands.npy` (n, S), `<part>_coordinates.npy` (n, S, 4) and `<part>_images.npy` (n, size, size) hold the parts train
and valid, `<part>_letters.json` whose glyphs they are. No font family is in both, and no outline twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from expc.compiler.contract.families.glyph_vae import Config, Data

from ...errors import UserError
from ...files import sha256_of, write_json
from ...sampling import order
from .. import Say
from . import fonts
from .fonts import Letter
from .outlines import PAD, polylines
from .raster import rasterise

ARRAYS = ("commands", "coordinates", "images")
WHITE = 255


def font_files(data: Data, workspace: Path) -> list[Path]:
    """The fonts that the data section means. Raises UserError where there are none."""
    return fonts.files(data.source, workspace / (data.path or ""))


def prepare(config: Config, workspace: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Writes the arrays into an empty folder; returns their fingerprint. Raises UserError where there are too few glyphs."""
    paths = font_files(config.data, workspace)
    found, left = _letters(paths, config, say)
    train, valid = split(found, config.data)
    if len(train) < config.data.glyphs:
        raise UserError(f"data.glyphs is {config.data.glyphs:,}, and the training families have {len(train):,} usable glyphs; "
                        "lower it, add fonts, or allow longer ones with model.sequence_length")
    parts = {"train": _chosen(train, config.data), "valid": valid}
    for name, letters in parts.items():
        say(f"drawing {len(letters):,} {'training' if name == 'train' else 'held-out'} glyphs")
        _write(letters, config, folder, name)
    families = {name: sorted({one.family for one in letters}) for name, letters in parts.items()}
    say(f"held out: {', '.join(families['valid'])}")
    return {
        "glyphs": {name: len(letters) for name, letters in parts.items()},
        "families": families,
        "left_out": left,
        "fonts_sha256": fonts.files_sha256(paths),
        "sha256": _hash([folder / f"{part}_{name}.npy" for part in parts for name in ARRAYS]),
    }


def _letters(paths: Sequence[Path], config: Config, say: Say) -> tuple[list[Letter], int]:
    """The usable glyphs of all fonts, each outline once, and how many were left out."""
    found: dict[tuple[bytes, bytes], Letter] = {}
    left = 0
    for path in paths:
        letters, unusable = fonts.letters(path, config.data.characters, config.model.sequence_length)
        left += unusable
        for one in letters:
            found.setdefault((one.glyph.commands.tobytes(), one.glyph.coordinates.round(3).tobytes()), one)
    say(f"{len(found):,} different glyphs in {len(paths):,} fonts; {left:,} are too long, empty or outside of the box")
    return list(found.values()), left


def split(letters: Sequence[Letter], data: Data) -> tuple[list[Letter], list[Letter]]:
    """Letters to train on and held-out ones, by family. Raises UserError where one of the halves would be empty."""
    families = sorted({one.family for one in letters})
    held_out = max(1, round(len(families) * data.valid_fraction))
    if len(families) <= held_out:
        raise UserError(f"{len(families):,} font families at data.valid_fraction {data.valid_fraction:g} leave none to train "
                        "on; add fonts of other families")
    chosen = {families[index] for index in order(len(families), data.seed)[:held_out]}
    return [one for one in letters if one.family not in chosen], [one for one in letters if one.family in chosen]


def _chosen(letters: Sequence[Letter], data: Data) -> list[Letter]:
    return [letters[index] for index in sorted(order(len(letters), data.seed, 1)[: data.glyphs])]


def _write(letters: Sequence[Letter], config: Config, folder: Path, part: str) -> None:
    count, length, size = len(letters), config.model.sequence_length, config.model.image_size
    commands = np.full((count, length), PAD, dtype=np.uint8)
    coordinates = np.zeros((count, length, 4), dtype=np.float32)
    images = np.zeros((count, size, size), dtype=np.uint8)
    for index, one in enumerate(letters):
        tokens = len(one.glyph.commands)
        commands[index, :tokens], coordinates[index, :tokens] = one.glyph.commands, one.glyph.coordinates
        images[index] = np.rint(rasterise(polylines(one.glyph.commands, one.glyph.coordinates), size) * WHITE)
    made: tuple[np.ndarray, ...] = (commands, coordinates, images)
    for name, array in zip(ARRAYS, made, strict=True):
        np.save(folder / f"{part}_{name}.npy", array, allow_pickle=False)
    write_json(folder / f"{part}_letters.json", [[one.family, one.style, one.character] for one in letters])


def _hash(paths: Sequence[Path]) -> str:
    return hashlib.sha256("".join(sha256_of(path) for path in paths).encode()).hexdigest()


@dataclass(frozen=True)
class Glyphs:
    """One prepared part: commands (n, S) in uint8, coordinates (n, S, 4) in float32, images (n, size, size) in uint8."""

    commands: np.ndarray
    coordinates: np.ndarray
    images: np.ndarray

    def __len__(self) -> int:
        return len(self.commands)

    def packed(self, indexes: np.ndarray) -> np.ndarray:
        """Rows (len(indexes), S + 4 S + size²) of float32: commands, coordinates, and the image in [0, 1]."""
        count = len(indexes)
        parts = (self.commands[indexes], self.coordinates[indexes], self.images[indexes] / np.float32(WHITE))
        return np.concatenate([part.reshape(count, -1).astype(np.float32) for part in parts], axis=1)


def load(folder: Path, part: str) -> Glyphs:
    """A prepared part, mapped into memory."""
    return Glyphs(*(np.load(folder / f"{part}_{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS))


class Samples:
    """Glyphs by the numbers of their samples: each once an epoch, in an order of the epoch's own; with them the noise of z.

    There is no state: the glyph and its noise are functions of the seed and the sample's number, so they are the same
    however samples are spread over batches and processes.
    """

    def __init__(self, glyphs: Glyphs, latent: int, seed: int) -> None:
        self.glyphs, self.latent, self.seed = glyphs, latent, seed
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __call__(self, first: int, count: int) -> np.ndarray:
        """Packed rows of the samples `first` to `first + count - 1`, each followed by its noise (latent) and a number in (0, 1)
        that decides whether its image is hidden."""
        numbers = range(first, first + count)
        noise = np.stack([self._noise(number) for number in numbers]).astype(np.float32)
        packed = self.glyphs.packed(np.asarray([self._index(number) for number in numbers]))
        return np.concatenate((packed, noise), axis=1)

    def _index(self, number: int) -> int:
        epoch, place = divmod(number, len(self.glyphs))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, order(len(self.glyphs), self.seed, epoch)
        return int(self._order[place])

    def _noise(self, number: int) -> np.ndarray:
        """Standard normal numbers (latent) of a sample, by Box and Muller from the raw words of a bit generator, and a
        uniform one."""
        words = np.random.PCG64(np.random.SeedSequence((self.seed, 1, number))).random_raw(2 * self.latent + 1)
        uniform = (words.astype(np.float64) + 1) / (2.0**64 + 2)
        radius, angle = np.sqrt(-2 * np.log(uniform[: self.latent])), 2 * np.pi * uniform[self.latent : -1]
        return np.append(radius * np.cos(angle), uniform[-1])
