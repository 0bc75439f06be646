"""Outlines: what is encoded draws the same shape again, in one canonical form; rasters and distances know simple shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.runtime.families.glyph_vae.likeness import chamfer, overlap, points
from expc.runtime.families.glyph_vae.outlines import (
    END,
    HOLE,
    NEW,
    PAD,
    Contour,
    Glyph,
    L,
    M,
    Q,
    T,
    Z,
    closed_contours,
    encode,
    polylines,
)
from expc.runtime.families.glyph_vae.raster import rasterise

EMPTY = Glyph(np.asarray([END], dtype=np.uint8), np.zeros((1, 4), dtype=np.float32))


def box(left: float, low: float, right: float, high: float, clockwise: bool = False) -> Contour:
    """A rectangle that begins at its upper right corner."""
    corners = [(left, high), (left, low), (right, low)]
    return Contour((right, high), tuple((None, corner) for corner in (corners[::-1] if clockwise else corners)))


def area(glyph: Glyph) -> float:
    """Share of the box that is filled, in its own units."""
    return float(rasterise(polylines(glyph.commands, glyph.coordinates), 200).mean()) * 4


def test_a_ring_is_a_body_and_a_counter_from_their_lowest_points_on() -> None:
    glyph = encode([box(-0.2, -0.2, 0.2, 0.2, clockwise=True), box(-0.5, -0.5, 0.5, 0.5)])
    assert glyph.commands.tolist() == [NEW, M, L, L, L, Z, HOLE, M, L, L, L, Z, END]
    assert glyph.coordinates[1].tolist() == [0, 0, -0.5, -0.5]
    assert glyph.coordinates[7, 2:].tolist() == pytest.approx([-0.2, -0.2])
    assert area(glyph) == pytest.approx(1 - 0.16, abs=0.01)


def test_mirrored_control_points_are_implied() -> None:
    wave = Contour((-0.5, 0.0), (((-0.25, 0.5), (0.0, 0.0)), ((0.25, -0.5), (0.5, 0.0)), (None, (0.5, 0.9)),
                                 (None, (-0.5, 0.9))))
    glyph = encode([wave])
    assert glyph.commands.tolist().count(T) == 1 and glyph.commands.tolist().count(Q) == 1
    (drawn,) = polylines(glyph.commands, glyph.coordinates)
    assert drawn[:, 1].min() == pytest.approx(-0.25, abs=0.01) and drawn[:, 1].max() == pytest.approx(0.9)


@given(st.integers(3, 9), st.integers(0, 8), st.floats(0.2, 0.9), st.booleans())
def test_the_same_outline_has_one_form_wherever_it_begins(corners: int, turn: int, radius: float, clockwise: bool) -> None:
    ring = [(radius * math.cos(2 * math.pi * i / corners + 0.1), radius * math.sin(2 * math.pi * i / corners + 0.1))
            for i in range(corners)]
    ring = ring[::-1] if clockwise else ring
    turned = ring[turn % corners:] + ring[: turn % corners]
    one, other = (encode([Contour(way[0], tuple((None, point) for point in way[1:]))]) for way in (ring, turned))
    assert one.commands.tolist() == other.commands.tolist() and np.allclose(one.coordinates, other.coordinates)
    exact = corners / 2 * radius**2 * math.sin(2 * math.pi / corners)
    assert area(one) == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize(("commands", "counted"), [
    ([NEW, M, L, L, Z, END], (1, 1)), ([NEW, M, L, L, END], (0, 1)), ([M, L, Z, END], (0, 1)), ([END], (0, 0)),
    ([NEW, M, Z, HOLE, M, L, T, Q, Z], (1, 2)), ([NEW, L, M, L, Z, END], (0, 1)), ([PAD, END, NEW, M, L, Z], (0, 0))])
def test_well_formed_contours_are_counted(commands: list[int], counted: tuple[int, int]) -> None:
    assert closed_contours(np.asarray(commands)) == counted


@given(st.lists(st.tuples(st.integers(0, 8), st.lists(st.floats(-2, 2, width=32), min_size=4, max_size=4)), max_size=20))
def test_any_tokens_can_be_drawn_and_measured(tokens: list[tuple[int, list[float]]]) -> None:
    glyph = Glyph(np.asarray([command for command, _ in tokens], dtype=np.uint8),
                  np.asarray([values for _, values in tokens], dtype=np.float32).reshape(-1, 4))
    image = rasterise(polylines(glyph.commands, glyph.coordinates), 8)
    assert image.shape == (8, 8) and 0 <= image.min() <= image.max() <= 1
    assert chamfer(glyph, EMPTY) >= 0 and np.isfinite(points(glyph)).all()
    well, begun = closed_contours(glyph.commands)
    assert 0 <= well <= begun


def test_distances_are_in_half_sides_of_the_box() -> None:
    one, moved = encode([box(-0.5, -0.5, 0.5, 0.5)]), encode([box(-0.5, -0.4, 0.5, 0.6)])
    assert chamfer(one, one) == 0 and overlap(one, one) == pytest.approx(1)
    assert 0.03 < chamfer(one, moved) < 0.1
    assert overlap(one, moved) == pytest.approx(0.9 / 1.1, abs=0.01)
    assert chamfer(one, EMPTY) == pytest.approx(float(np.hypot(*points(one).T).mean() + 0.5) / 2, abs=0.01)
    assert overlap(one, EMPTY) == overlap(EMPTY, EMPTY) == 0
