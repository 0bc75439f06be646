"""The public-domain tunes that come with expc: folk songs and classical themes, a held-out set of real music.

Each was transcribed from memory (its subtitle says so) for one guitar in standard tuning, two for the rounds; eight
bars or more; all are old enough to be in the public domain. They are in `tunes/` as `.atex` files.
"""

from __future__ import annotations

from importlib.resources import files

from .documents import Document


def tunes() -> list[Document]:
    """All tunes, sorted by name; the name is the file's without its suffix."""
    folder = files(__package__).joinpath("tunes")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".atex"))
    return [Document(name.removesuffix(".atex"), folder.joinpath(name).read_text(encoding="utf-8")) for name in names]
