"""Pictures of glyphs in rows: PNG to look at, SVG to enlarge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .outlines import Glyph, polylines, svg_path
from .raster import rasterise

SIDE = 64
"""Pixels of a glyph in a PNG."""


def png(rows: Sequence[Sequence[Glyph]], path: Path) -> None:
    """Rows of filled glyphs, black on white."""
    from matplotlib.image import imsave  # here: loading it takes a second, and training draws nothing

    images = [np.concatenate([rasterise(polylines(one.commands, one.coordinates), SIDE) for one in row], axis=1)
              for row in rows]
    imsave(path, 1 - np.concatenate(images, axis=0), cmap="gray", vmin=0, vmax=1)


def svg(rows: Sequence[Sequence[Glyph]], path: Path) -> None:
    """The same as outlines; each glyph's box is two units wide."""
    paths = [f'<path transform="translate({2 * column + 1} {2 * row + 1})" d="{svg_path(one.commands, one.coordinates)}"/>'
             for row, glyphs in enumerate(rows) for column, one in enumerate(glyphs)]
    size = f"0 0 {2 * max(len(row) for row in rows)} {2 * len(rows)}"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}">\n' + "\n".join(paths) + "\n</svg>\n",
                    encoding="utf-8")
