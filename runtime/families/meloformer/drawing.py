"""Songs as piano rolls, in one picture: pitch over bars, a colour for each instrument."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from expc.compiler.contract.files import write_atomic

from ...midi.song import Song
from ...midi.vocabulary import DRUMS, GRID

COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989")
"""Of the instruments of a song in order; those after the last share it."""


def rolls(songs: Mapping[str, Song], path: Path) -> None:
    """A PNG with one panel a song, each under its name; drums are left out, since their pitches are no pitches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.9 * len(songs)), layout="constrained")
    for axes, (name, song) in zip(figure.subplots(len(songs), 1, squeeze=False)[:, 0], songs.items(), strict=True):
        for order, notes in enumerate(notes for instrument, notes in song.tracks.items() if instrument != DRUMS):
            axes.hlines([note.pitch for note in notes], [note.start / GRID for note in notes],
                        [(note.start + note.duration) / GRID for note in notes], linewidth=2.4,
                        color=COLOURS[min(order, len(COLOURS) - 1)])
        axes.set_title(name.replace("_", " "), fontsize=9, loc="left")
        for bar in song.bars:
            axes.axvline(bar.start / GRID, color="#d0d7de", linewidth=0.6, zorder=0)
        axes.set_ylabel("pitch", fontsize=8)
        axes.tick_params(labelsize=7)
    axes.set_xlabel("quarter notes", fontsize=8)
    FigureCanvasAgg(figure)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=110, metadata={"Software": None})
    write_atomic(path, held.getvalue())
