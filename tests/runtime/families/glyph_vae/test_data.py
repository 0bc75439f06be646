"""Data: real fonts, split by family; a font's glyphs are its outlines; samples are functions of their number."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from expc.runtime.errors import UserError
from expc.runtime.families.glyph_vae import data, fonts
from expc.runtime.families.glyph_vae.data import Glyphs, Samples
from expc.runtime.families.glyph_vae.fonts import Letter
from expc.runtime.families.glyph_vae.outlines import HOLE, NEW, Q, T, polylines
from expc.runtime.families.glyph_vae.raster import rasterise
from expc.runtime.sampling import order
from tests.runtime.families.glyph_vae.tiny import DATA, MODEL, prepared, training


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("glyph_vae") / "data")


def ttf(path: Path, family: str, side: int = 500) -> Path:
    """A font whose A is a square of `side` units and whose B is a circle of four curves, 1,000 units an em."""
    square, circle = TTGlyphPen(None), TTGlyphPen(None)
    square.moveTo((100, 0))
    for point in ((100 + side, 0), (100 + side, side), (100, side)):
        square.lineTo(point)
    square.closePath()
    circle.qCurveTo((600, 0), (600, 500), (100, 500), (100, 0), None)
    circle.closePath()
    return _save(path, family, True, {"A": square.glyph(), "B": circle.glyph(), ".notdef": TTGlyphPen(None).glyph()})


def otf(path: Path, family: str) -> Path:
    """A CFF font whose A is a drop of cubic curves."""
    pen, empty = T2CharStringPen(700, None), T2CharStringPen(700, None)
    pen.moveTo((100, 0))
    pen.curveTo((700, 0), (700, 700), (100, 700))
    pen.closePath()
    return _save(path, family, False, {"A": pen.getCharString(), ".notdef": empty.getCharString()})


def _save(path: Path, family: str, truetype: bool, glyphs: dict[str, object]) -> Path:
    builder = FontBuilder(1000, isTTF=truetype)
    builder.setupGlyphOrder([".notdef", *sorted(set(glyphs) - {".notdef"})])
    builder.setupCharacterMap({ord(name): name for name in glyphs if len(name) == 1})
    builder.setupGlyf(glyphs) if truetype else builder.setupCFF(family.replace(" ", ""), {}, glyphs, {})
    builder.setupHorizontalMetrics({name: (700, 100) for name in glyphs})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


def test_a_square_stands_where_the_font_puts_it(tmp_path: Path) -> None:
    found, left = fonts.letters(ttf(tmp_path / "a.ttf", "Squares"), "AZ", 40)
    (one,) = found
    assert (one.family, one.character, left) == ("Squares", "A", 0)
    image = rasterise(polylines(one.glyph.commands, one.glyph.coordinates), 100)
    assert image.sum() == pytest.approx((500 / 1000 / fonts.BOX * 100) ** 2, rel=1e-3)
    rows, columns = np.nonzero(image > 0.5)
    assert (rows.max() + 1, columns.min()) == (75, 30)  # baseline a quarter from below; (100 - 700 / 2) / 1250 from the middle


def test_curves_of_both_kinds_become_quadratic_ones(tmp_path: Path) -> None:
    (round_,), _ = fonts.letters(ttf(tmp_path / "a.ttf", "Circles"), "B", 40)
    assert round_.glyph.commands.tolist().count(Q) == 1 and round_.glyph.commands.tolist().count(T) == 3
    (drop,), _ = fonts.letters(otf(tmp_path / "a.otf", "Drops"), "A", 40)
    drawn = polylines(drop.glyph.commands, drop.glyph.coordinates)
    exact = 0.6 * 600 * 700  # the integral of 1800 t (1 - t) over 700 (3 t² - 2 t³)
    assert rasterise(drawn, 400).mean() * (fonts.BOX * 1000) ** 2 == pytest.approx(exact, rel=0.01)


def test_fonts_that_are_none_are_said(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(UserError, match="broken.ttf cannot be read as a font"):
        fonts.letters(tmp_path / "broken.ttf", "A", 40)
    with pytest.raises(UserError, match="is no folder"):
        fonts.files("folder", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no .ttf or .otf"):
        fonts.files("folder", tmp_path / "empty")


def test_odd_and_long_glyphs_are_left_out(tmp_path: Path) -> None:
    assert fonts.letters(ttf(tmp_path / "odd.ttf", "cmsy10"), "AB", 40) == ([], 0)
    assert fonts.letters(ttf(tmp_path / "a.ttf", "Squares"), "A", 6) == ([], 1)
    assert fonts.letters(ttf(tmp_path / "huge.ttf", "Huge", 1300), "A", 40) == ([], 1)


def test_a_font_of_pictures_alone_is_left_out(tmp_path: Path) -> None:
    path = ttf(tmp_path / "emoji.ttf", "Emoji")
    with TTFont(path) as font:
        for table in ("glyf", "loca"):
            del font[table]
        font.save(tmp_path / "pictures.ttf")
    assert fonts.letters(path, "AB", 40)[0] and fonts.letters(tmp_path / "pictures.ttf", "AB", 40) == ([], 0)


def test_prepared_glyphs_share_no_family_and_look_like_letters(folder: Path) -> None:
    about = {part: json.loads((folder / f"{part}_letters.json").read_text()) for part in ("train", "valid")}
    families = {part: {family for family, _, _ in letters} for part, letters in about.items()}
    assert len(about["train"]) == 40 and not families["train"] & families["valid"]
    train = data.load(folder, "train")
    assert train.commands.shape == (40, 40) and train.images.shape == (40, 16, 16) and train.images.max() == 255
    rings = [index for index, (_, _, character) in enumerate(about["train"]) if character == "O"]
    assert rings and all((train.commands[index] == HOLE).sum() == (train.commands[index] == NEW).sum() == 1 for index in rings)


def test_the_same_fonts_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = prepared(tmp_path / "data")
    for path in sorted(folder.iterdir()):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_a_folder_of_fonts(tmp_path: Path) -> None:
    config = dataclasses.replace(training().config, data=dataclasses.replace(DATA, source="folder", path="own", glyphs=2))
    (tmp_path / "own").mkdir()
    for index in range(3):
        ttf(tmp_path / "own" / f"{index}.ttf", f"Family {index}", 300 + 100 * index)
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match=r"data.glyphs is 9, and the training families have \d"):
        data.prepare(dataclasses.replace(config, data=dataclasses.replace(config.data, glyphs=9)), tmp_path, tmp_path / "out",
                     lambda text: None)
    made = data.prepare(config, tmp_path, tmp_path / "out", lambda text: None)
    assert made["glyphs"] == {"train": 2, "valid": made["glyphs"]["valid"]} and len(made["families"]["valid"]) == 1


@given(st.integers(2, 12), st.floats(0, 1), st.integers(0, 99))
def test_families_are_never_shared(families: int, share: float, seed: int) -> None:
    letters = [Letter(f"family {index % families}", "", "A", None) for index in range(30)]  # type: ignore[arg-type]
    said = dataclasses.replace(DATA, valid_fraction=share, seed=seed)
    if max(1, round(families * share)) >= families:
        with pytest.raises(UserError, match="leave none to train on"):
            data.split(letters, said)
        return
    train, valid = data.split(letters, said)
    assert len(train) + len(valid) == 30 and train and valid
    assert not {one.family for one in train} & {one.family for one in valid}


def glyphs(count: int) -> Glyphs:
    """Glyphs whose only command is their number."""
    commands = np.zeros((count, MODEL.sequence_length), dtype=np.uint8)
    commands[:, 0] = np.arange(count)
    return Glyphs(commands, np.zeros((*commands.shape, 4), np.float32), np.zeros((count, 4, 4), np.uint8))


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_every_glyph_comes_once_an_epoch(count: int, seed: int, epoch: int) -> None:
    rows = Samples(glyphs(count), 3, seed)(epoch * count, count)
    assert sorted(rows[:, 0].tolist()) == list(range(count))


@given(st.integers(1, 20), st.integers(0, 99), st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_batches_of_any_sizes_serve_the_same_samples_and_noise(count: int, seed: int, sizes: list[int]) -> None:
    one, other, ends = Samples(glyphs(count), 3, seed), Samples(glyphs(count), 3, seed), np.cumsum(sizes)
    parts = [one(int(end) - size, size) for end, size in zip(ends, sizes, strict=True)]
    assert np.array_equal(np.concatenate(parts), other(0, int(ends[-1])))


def test_noise_is_normal_and_the_chance_uniform() -> None:
    rows = Samples(glyphs(5), 32, 7)(0, 2000)
    noise, chance = rows[:, -33:-1], rows[:, -1]
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    assert abs(chance.mean() - 0.5) < 0.03 and 0 < chance.min() < chance.max() < 1
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.08


def test_the_order_is_the_same_for_ever() -> None:
    """Runs of other machines and versions resume by it."""
    assert order(8, 42, 0).tolist() == ORDER


ORDER = [4, 1, 3, 6, 0, 7, 2, 5]
