"""Spectrograms as PNG: recordings in, one picture out. Labels are English, so that no font can be missing."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from expc.compiler.contract.files import write_atomic

from .losses import FLOOR, magnitudes

WINDOW = 512


def spectrograms(path: Path, shown: Mapping[str, Tensor], rate: int) -> None:
    """A row for each excerpt, a column for each of `shown`: name to recordings (N, T). Levels in dB of full scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = len(next(iter(shown.values())))
    figure = Figure(figsize=(9, 2.4 * rows), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, len(shown), squeeze=False, sharex=True, sharey=True)
    image = None
    for column, (name, audio) in enumerate(shown.items()):
        seconds = audio.size(-1) / rate
        levels = 20 / math.log(10) * magnitudes(audio, WINDOW).clamp(min=FLOOR).log()
        for row in range(rows):
            axes = grid[row][column]
            image = axes.imshow(levels[row].numpy(), origin="lower", aspect="auto", vmin=-90, vmax=0, cmap="magma",
                                extent=(0, seconds, 0, rate / 2000))
            if row == 0:
                axes.set_title(name, fontsize=10)
            if column == 0:
                axes.set_ylabel(f"excerpt {row + 1}, kHz", fontsize=8)
        grid[-1][column].set_xlabel("seconds", fontsize=8)
    if image is not None:
        figure.colorbar(image, ax=grid, label="dB", shrink=0.8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    write_atomic(path, buffer.getvalue())
