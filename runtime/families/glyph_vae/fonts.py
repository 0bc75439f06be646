"""Glyphs of font files: a folder and characters in, outlines with their font family out.

Curves of third order (CFF) become quadratic ones within a thousandth of an em, components are put in their places. Fonts
whose glyphs are no letters are left out: a font of last resort, those that hold mathematical signs at letters' places, and
those that hold pictures alone, such as colour emoji.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont, TTLibError

from ...errors import UserError
from .outlines import Contour, Glyph, Point, Segment, encode

ODD = ("last resort", "cmex", "cmsy", "cmmi", "stixsize", "stixnonunicode")
"""Beginnings of family names, in lower case, of fonts that are no alphabets."""
OUTLINES = {"glyf", "CFF ", "CFF2"}
"""Tables that hold outlines. A font without any of them has pictures of its glyphs, or nothing."""
ENDINGS = (".ttf", ".otf")
BOX = 1.25
"""Side of the glyph's box in em."""
BASELINE = -0.5
"""Height of the baseline in the box."""
TOLERANCE = 0.001
TYPOGRAPHIC_FAMILY, FAMILY = 16, 1


@dataclass(frozen=True)
class Letter:
    """A glyph with the font family and the character that it stands for."""

    family: str
    style: str
    character: str
    glyph: Glyph


def files(source: str, folder: Path) -> list[Path]:
    """The font files of a source, in the order of their names. Raises UserError where there is none."""
    if source == "matplotlib":
        from matplotlib import get_data_path  # here: only preparation needs it

        folder = Path(get_data_path()) / "fonts" / "ttf"
    if not folder.is_dir():
        raise UserError(f"data.path {folder} is no folder; put your .ttf and .otf files there")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not found:
        raise UserError(f"{folder} holds no .ttf or .otf file")
    return found


def files_sha256(paths: list[Path]) -> str:
    """SHA-256 over the fonts' bytes."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def letters(path: Path, characters: str, longest: int) -> tuple[list[Letter], int]:
    """A font's usable glyphs, and how many were left out: longer than `longest` tokens, outside of the box, or empty.

    A font without an alphabet, or without outlines, has none. Raises UserError for a file that is no font.
    """
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of dates that do not matter here
    try:
        with TTFont(path, lazy=True) as font:
            family, style = _name(font, TYPOGRAPHIC_FAMILY, FAMILY) or path.stem, _name(font, 17, 2) or "Regular"
            if family.lower().startswith(ODD) or not OUTLINES.intersection(font.keys()):
                return [], 0
            found = [Letter(family, style, character, glyph)
                     for character, glyph in _glyphs(font, characters) if _fits(glyph, longest)]
            asked = sum(1 for one in characters if ord(one) in (font.getBestCmap() or {}))
    except (TTLibError, OSError, AssertionError, KeyError, ValueError, AttributeError, IndexError) as error:
        raise UserError(f"{path} cannot be read as a font: {error}; take it out of the folder") from error
    return found, asked - len(found)


def _name(font: TTFont, *ids: int) -> str | None:
    return next((str(name) for one in ids if (name := font["name"].getDebugName(one))), None)


def _glyphs(font: TTFont, characters: str) -> Iterator[tuple[str, Glyph]]:
    names, shapes = font.getBestCmap() or {}, font.getGlyphSet()
    em = font["head"].unitsPerEm
    for character in characters:
        if ord(character) not in names:
            continue
        name = names[ord(character)]
        pen = DecomposingRecordingPen(shapes)
        shapes[name].draw(Cu2QuPen(pen, TOLERANCE * em))
        yield character, encode(list(contours(pen.value, em, shapes[name].width)))


def _fits(glyph: Glyph, longest: int) -> bool:
    return 1 < len(glyph.commands) <= longest and float(abs(glyph.coordinates).max()) <= 1.0


def contours(drawn: list[tuple[str, Any]], em: float, width: float) -> Iterator[Contour]:
    """Contours of what a pen recorded, from font units to the box: the advance width centred, the baseline below the middle."""
    def place(point: tuple[float, float]) -> Point:
        return (point[0] - width / 2) / em * 2 / BOX, point[1] / em * 2 / BOX + BASELINE

    start: Point = (0.0, 0.0)
    segments: list[Segment] = []
    for operator, arguments in drawn:
        if operator == "moveTo":
            start, segments = place(arguments[0]), []
        elif operator == "lineTo":
            segments.append((None, place(arguments[0])))
        elif operator == "qCurveTo" and arguments[-1] is None:  # a contour of control points alone
            controls = [place(one) for one in arguments[:-1]]
            start = _between(controls[-1], controls[0])
            segments = list(_curves(controls, start))
        elif operator == "qCurveTo":
            segments += _curves([place(one) for one in arguments[:-1]], place(arguments[-1]))
        elif operator in ("closePath", "endPath"):
            yield Contour(start, tuple(segments))


def _curves(controls: list[Point], end: Point) -> Iterator[Segment]:
    """A TrueType spline as quadratic curves; between two control points lies an end point that is not written."""
    if not controls:
        yield None, end
    for index, control in enumerate(controls):
        yield control, end if index == len(controls) - 1 else _between(control, controls[index + 1])


def _between(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
