"""Glyphs as drawing commands: contours in, tokens out, and back again to points that can be drawn and measured.

A contour is NEW (a body) or HOLE (a counter), `M x y`, then L (line), Q (quadratic curve with its control point) and T
(quadratic curve whose control point is the last one mirrored, as TrueType implies it), and Z, which closes it. END ends the
glyph, PAD fills up. A token is a command and four coordinates: control point, end point; what a command does not use is 0.
Coordinates lie in a box of 1.25 em, from -1 to 1, y upwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from expc.compiler.contract.families.glyph_vae import COMMANDS, COORDINATES

PAD, M, L, Q, T, Z, NEW, HOLE, END = range(len(COMMANDS))
USED = np.zeros((len(COMMANDS), COORDINATES), dtype=bool)
"""Which coordinates each command uses."""
USED[[M, L, Q, T], 2:] = True
USED[Q, :2] = True
NEAR = 1e-4
"""Two points of the box that are nearer than this are the same one."""
PIECES = 8
"""Straight pieces that a curve is drawn with."""

Point = tuple[float, float]
Segment = tuple[Point | None, Point]
"""Control point (None for a line) and end point."""


@dataclass(frozen=True)
class Contour:
    """A closed outline: where it begins, and its segments; the last one may stop short of the beginning."""

    start: Point
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Glyph:
    """Tokens of one glyph, END included and without PAD: commands (n,), coordinates (n, 4)."""

    commands: np.ndarray
    coordinates: np.ndarray


def encode(contours: Sequence[Contour]) -> Glyph:
    """Contours in a canonical form: each begins at its lowest, then leftmost end point; bodies come before counters."""
    turned = [_from_lowest(one) for one in contours if one.segments]
    areas = [_area(one) for one in turned]
    outward = np.sign(max(areas, key=abs)) if areas else 1.0
    order = sorted(range(len(turned)), key=lambda i: (areas[i] * outward < 0, turned[i].start[1], turned[i].start[0]))
    tokens: list[tuple[int, Point, Point]] = []
    for index in order:
        tokens.append((HOLE if areas[index] * outward < 0 else NEW, (0.0, 0.0), (0.0, 0.0)))
        tokens += _drawn(turned[index])
    tokens.append((END, (0.0, 0.0), (0.0, 0.0)))
    return Glyph(np.asarray([command for command, *_ in tokens], dtype=np.uint8),
                 np.asarray([[*control, *end] for _, control, end in tokens], dtype=np.float32))


def _from_lowest(contour: Contour) -> Contour:
    """The same outline, closed by a segment of its own, from its lowest end point on."""
    segments = list(contour.segments)
    if not _same(segments[-1][1], contour.start):
        segments.append((None, contour.start))
    lowest = min(range(len(segments)), key=lambda i: (round(segments[i][1][1], 4), round(segments[i][1][0], 4)))
    return Contour(segments[lowest][1], (*segments[lowest + 1 :], *segments[: lowest + 1]))


def _drawn(contour: Contour) -> Iterator[tuple[int, Point, Point]]:
    """(command, control point, end point) of a closed contour; Z stands for a last line back to the beginning."""
    yield M, (0.0, 0.0), contour.start
    segments = contour.segments[:-1] if contour.segments[-1][0] is None else contour.segments
    here, last = contour.start, None
    for control, end in segments:
        mirrored = None if last is None else (2 * here[0] - last[0], 2 * here[1] - last[1])
        if control is None:
            yield L, (0.0, 0.0), end
        elif mirrored is not None and _same(control, mirrored):
            yield T, (0.0, 0.0), end
        else:
            yield Q, control, end
        here, last = end, control
    yield Z, (0.0, 0.0), (0.0, 0.0)


def _same(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) < NEAR and abs(one[1] - other[1]) < NEAR


def _area(contour: Contour) -> float:
    """Signed area of the polygon of end points; positive anticlockwise."""
    x, y = np.asarray([end for _, end in contour.segments]).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def polylines(commands: np.ndarray, coordinates: np.ndarray) -> list[np.ndarray]:
    """Contours as closed polygons (k, 2), as far as the tokens draw any: what stands before an M draws nothing.

    A contour without a Z is closed all the same: that is how it would be filled.
    """
    drawn: list[list[Point]] = []
    here: Point | None = None
    last: Point | None = None
    for command, values in zip(commands.tolist(), coordinates.tolist(), strict=True):
        control, end = (values[0], values[1]), (values[2], values[3])
        if command == END:
            break
        if command == M:
            drawn.append([end])
            here, last = end, None
        elif command in (L, Q, T) and here is not None:
            if command == T:
                control = here if last is None else (2 * here[0] - last[0], 2 * here[1] - last[1])
            drawn[-1] += [end] if command == L else _curve(here, control, end)
            here, last = end, (None if command == L else control)
        elif command != PAD:
            here, last = None, None
    return [np.asarray([*points, points[0]]) for points in drawn if len(points) > 1]


def _curve(start: Point, control: Point, end: Point) -> list[Point]:
    """Points of a quadratic Bézier curve behind its start."""
    t = np.linspace(0, 1, PIECES + 1)[1:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * np.asarray(control) + t**2 * np.asarray(end)
    return [(float(x), float(y)) for x, y in points]


def closed_contours(commands: np.ndarray) -> tuple[int, int]:
    """How many contours are well formed (NEW or HOLE, M, at least one segment, Z), of how many that were begun."""
    well, begun = 0, 0
    names = "".join("PMLQTZNHE"[command] for command in commands.tolist()).split("E")[0]
    for part in names.replace("H", "N").split("N")[1:]:
        begun += 1
        well += len(part) > 2 and part[0] == "M" and part[-1] == "Z" and not set(part[1:-1]) - set("LQT")
    stray = names.replace("H", "N").split("N")[0]
    return well, begun + (1 if stray.strip("P") else 0)


def svg_path(commands: np.ndarray, coordinates: np.ndarray) -> str:
    """The value of an SVG path's `d`: polygons of the outline, y downwards as SVG has it."""
    parts = []
    for points in polylines(commands, coordinates):
        parts.append("M" + "L".join(f"{x:.3f} {-y:.3f}" for x, y in points[:-1]) + "Z")
    return "".join(parts)
