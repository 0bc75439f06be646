"""Frozen configuration of the glyph VAE: outlines of letters as drawing commands, seen as vectors and as pixels."""

from __future__ import annotations

from typing import Literal

from ..record import dataclass
from ..schedules import Segment

COMMANDS = ("PAD", "M", "L", "Q", "T", "Z", "NEW", "HOLE", "END")
"""What a token of a glyph may be, by its number; `docs/glyph_vae.md` says what each draws."""
COORDINATES = 4
"""Numbers that a token carries: a control point and an end point, as far as its command uses them."""
CHANNELS_PER_DIM, FEWEST_CHANNELS = 16, 8
"""The first convolution has dim / 16 channels, but at least eight; the two behind it twice and four times as many."""
SHRINKS = 4
"""The convolutions halve the image twice before it is cut into patches."""


@dataclass(frozen=True)
class Model:
    """Architecture. `dim` = heads x head width; `latent` dimensions of z; images of `image_size`² pixels are cut into patches
    of `patch`²; `sequence_length` counts the tokens of a glyph, its END included."""

    dim: int
    latent: int
    heads: int
    image_size: int
    patch: int
    sequence_length: int
    vector_layers: int
    cross_layers: int
    decoder_layers: int

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.heads

    @property
    def patches(self) -> int:
        """Patches of an image."""
        return (self.image_size // self.patch) ** 2

    @property
    def channels(self) -> tuple[int, int, int]:
        """Output channels of the three convolutions of a pixel encoder."""
        first = max(FEWEST_CHANNELS, self.dim // CHANNELS_PER_DIM)
        return first, 2 * first, 4 * first


@dataclass(frozen=True)
class Data:
    """Where the glyphs come from: the fonts that matplotlib ships, or those below `path` (workspace-relative or absolute).

    `valid_fraction` of the font families is held out, `seed` decides which; `glyphs` of the others are trained on.
    """

    source: Literal["matplotlib", "folder"]
    path: str | None
    characters: str
    glyphs: int
    seed: int
    valid_fraction: float


@dataclass(frozen=True)
class Objective:
    """Weights of the three losses by name. The KL's rises from 0 over `kl_warmup_steps` updates. `free_bits` are nats that a
    glyph's KL may have without being penalised, in each dimension of z or in total. `image_dropout` is the share of glyphs
    whose image the decoder does not see."""

    losses: dict[str, float]
    kl_warmup_steps: int
    free_bits: float
    free_bits_over: Literal["dimension", "total"]
    image_dropout: float

    def warmed(self, update: int) -> float:
        """The share of the KL's weight that counts at an update: linear from 0 to 1, then 1."""
        return Segment(0, self.kl_warmup_steps, "linear", 0.0, 1.0).at(update) if update < self.kl_warmup_steps else 1.0

    def floor(self, latent: int) -> float:
        """Nats of KL up to which nothing is penalised, when it is spread evenly over the dimensions of z."""
        return self.free_bits * (latent if self.free_bits_over == "dimension" else 1)


@dataclass(frozen=True)
class Config:
    """Everything the glyph VAE adds to an experiment's identity."""

    model: Model
    data: Data
    optimizer: Objective
