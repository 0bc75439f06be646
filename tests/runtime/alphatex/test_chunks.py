"""Long pieces are cut at bar lines into pieces that stand alone, and no bar is lost or changed."""

from __future__ import annotations

import re

import pytest

from expc.runtime.alphatex import check, chunk_piece, generate_piece, tunes

PIECES = [generate_piece(4, index) for index in range(150)] + [tune.text for tune in tunes()]
CHANGING = (
    '\\title "x"\n\\tempo 90\n\\track "a"\n\\ts (3 4) 3.2.4 3.2 3.2 | 3.2 3.2 3.2 | '
    "\\ts (2 4) \\tempo 100 3.2.8 3.2 3.2 3.2 | \\ks G 3.2*4 | 3.2*4 |\n"
    '\\track "b" {instrument 33}\n3.2.2{d} | 3.2.4*3 | :8{tu 3} 3.2 3.2 3.2 3.2 3.2 3.2 | 3.2*6 | 3.2*6 |'
)
TWO_VOICES = (
    '\\title "v"\n\\track "a"\n\\staff {score tabs}\n'
    "\\voice 3.2.1 | 5.2.1 | \\voice 3.5.1 | 5.5.1 | \\staff {tabs} 1.1.1 | 2.1.1 |"
)


def notes(text: str) -> list[str]:
    """All notes of the music in order: a way to see that none is lost."""
    return re.findall(r"[\dx-]+\.\d+", re.sub(r'"[^"]*"|\\tempo [\d.]+', "", text))


def test_a_short_piece_is_left_as_it_is():
    assert chunk_piece(PIECES[0], len(PIECES[0])) == [PIECES[0]]


@pytest.mark.parametrize("length", [350, 500, 800])
def test_chunks_are_pieces(length: int):
    for piece in PIECES:
        chunks = chunk_piece(piece, length)
        assert [note for chunk in chunks for note in notes(chunk)] == notes(piece)
        for chunk in chunks:
            assert [problem for problem in check(chunk) if problem.code != "no-notes"] == [], chunk
            assert len(chunk) <= length or chunk.count("|") == 1
            assert chunk.startswith(piece.split("\n", 1)[0])


@pytest.mark.parametrize("length", [40, 60, 90, 120, 150, 200])
def test_what_is_in_force_is_said_again(length: int):
    chunks = chunk_piece(CHANGING, length)
    assert all(check(chunk) == [] for chunk in chunks), chunks
    assert sum(chunk.count("|") for chunk in chunks) == 10
    assert all("\\tempo" in chunk and "\\ts" in chunk for chunk in chunks)


def test_a_cut_track_keeps_its_header_and_metre():
    second = [chunk for chunk in chunk_piece(CHANGING, 90) if '\\track "b"' in chunk]
    assert second[-1] == (
        '\\title "x"\n\\tempo 100\n\\track "b" {instrument 33}\n\\ts (2 4)\n:8{tu (3 2)} 3.2*6 | 3.2*6 |'
    )


@pytest.mark.parametrize("length", [50, 70, 90])
def test_voices_and_staves(length: int):
    chunks = chunk_piece(TWO_VOICES, length)
    assert all(check(chunk) == [] for chunk in chunks), chunks
    assert [note for chunk in chunks for note in notes(chunk)] == notes(TWO_VOICES)


def test_what_cannot_be_read_is_cut_at_bar_lines_all_the_same():
    text = "3.2.1 what is this | " * 20
    chunks = chunk_piece(text, 100)
    assert "".join(chunks) == text.rstrip(" ") + " " and all(len(chunk) <= 100 for chunk in chunks)
    assert all(chunk.rstrip().endswith("|") for chunk in chunks)
